/* Many viewers of one camera server in one process, as cheap as can be: what comes is counted by
 * its framing and thrown away inside the kernel (recv with MSG_TRUNC copies nothing).
 *
 *   viewers frames PORT COUNT SECONDS [ACK [CODEC]]   the frame port; with ACK 1 each frame is
 *                                             acknowledged; CODEC is mjpeg, h264 or hevc
 *   viewers http PORT PATH COUNT SECONDS      multipart MJPEG; parts are counted by Content-Length
 *   viewers websocket PORT PATH COUNT SECONDS binary messages, acknowledged by the number in their
 *                                             first eight bytes
 *   viewers sealed FD,FD,... SECONDS          open connections that it inherits, such as those of TLS
 *                                             after the handshake: nothing is opened, bytes alone count
 *
 * When all have connected and get pictures, after at least one second and at most five, it says
 * "counting", counts for SECONDS and prints a line of JSON: viewers still connected, frames and bytes
 * of all, the least of a viewer, and when it began on CLOCK_MONOTONIC.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HEAD = 2048, BATCH = 256 };

struct viewer {
    int fd;
    int alive;
    long frames, bytes;
    size_t skip;    /* bytes of a picture that are still to come */
    size_t have;    /* bytes in head */
    int is_open;    /* the WebSocket's handshake is over */
    int is_frame;   /* what is skipped is a picture */
    int is_served;  /* something has come since this was cleared */
    uint8_t seq[8]; /* its number */
    char head[HEAD + 1];
};

static int over_http, over_websocket, sealed, acknowledges, counting;
static const char *codec = "mjpeg";

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* A masked text message (RFC 6455, 5.2). */
static void acknowledge_message(struct viewer *v)
{
    uint64_t seq;
    char message[64] = {(char)0x81, 0, 1, 2, 3, 4};
    memcpy(&seq, v->seq, 8);
    int size = sprintf(message + 6, "{\"ack\": %llu}", (unsigned long long)be64toh(seq));
    message[1] = (char)(0x80 | size);
    for (int i = 0; i < size; i++)
        message[6 + i] ^= message[2 + i % 4];
    if (send(v->fd, message, 6 + size, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        v->alive = 0;
}

static void skipped(struct viewer *v)
{
    if (!v->is_frame)
        return;
    v->is_frame = 0;
    v->frames += counting;
    v->is_served = 1;
    if (over_websocket) {
        acknowledge_message(v);
    } else if (acknowledges) {
        uint8_t ack[16] = {0x54, 5, 0, 0, 0, 0, 0, 8};
        memcpy(ack + 8, v->seq, 8);
        if (send(v->fd, ack, 16, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
            v->alive = 0;
    }
}

static int frames_head(struct viewer *v)
{
    /* Exactly a header, and of a picture its number behind it, so that no picture is copied. */
    size_t wanted = (v->have < 8 ? 8 : 16) - v->have;
    ssize_t got = recv(v->fd, v->head + v->have, wanted, MSG_DONTWAIT);
    if (got <= 0)
        return got < 0 && errno == EAGAIN ? 0 : -1;
    v->have += got;
    v->bytes += counting ? got : 0;
    if (v->have < 8)
        return 1;
    uint32_t length;
    memcpy(&length, v->head + 4, 4);
    length = ntohl(length);
    if (v->head[1] == 6) { /* PING: answer with the body that comes, read whole */
        char body[8];
        if (recv(v->fd, body, 8, MSG_WAITALL) != 8)
            return -1;
        char pong[16] = {0x54, 7, 0, 0, 0, 0, 0, 8};
        memcpy(pong + 8, body, 8);
        send(v->fd, pong, 16, MSG_NOSIGNAL);
        v->have = 0;
        return 1;
    }
    if (v->head[1] != 4) {
        v->skip = length;
        v->have = 0;
        return 1;
    }
    if (v->have < 16)
        return 1;
    memcpy(v->seq, v->head + 8, 8);
    v->skip = length - 8;
    v->is_frame = 1;
    v->have = 0;
    return 1;
}

/* The answer to the handshake byte by byte, then exactly a header, and the number of a picture. */
static int websocket_head(struct viewer *v)
{
    int is_binary = (v->head[0] & 15) == 2, size = v->head[1] & 127;
    size_t wanted = v->have + 1;
    if (v->is_open)
        wanted = v->have < 2 ? 2 : (size == 126 ? 4 : size == 127 ? 10 : 2) + 8 * is_binary;
    if (v->have < wanted) {
        ssize_t got = recv(v->fd, v->head + v->have, wanted - v->have, MSG_DONTWAIT);
        if (got <= 0)
            return got < 0 && errno == EAGAIN ? 0 : -1;
        v->have += got;
        v->bytes += counting ? got : 0;
        if (!v->is_open && v->have >= 4 && !memcmp(v->head + v->have - 4, "\r\n\r\n", 4)) {
            v->is_open = 1;
            v->have = 0;
        }
        return v->have == HEAD ? -1 : 1;
    }
    uint64_t length = 0;
    for (size_t i = 2; i < wanted - 8 * is_binary; i++)
        length = length << 8 | (uint8_t)v->head[i];
    if (wanted - 8 * is_binary == 2)
        length = size;
    if (is_binary)
        memcpy(v->seq, v->head + wanted - 8, 8);
    v->skip = length - 8 * is_binary;
    v->is_frame = is_binary;
    v->have = 0;
    return 1;
}

static void readable_from(struct viewer *v, int bytes)
{
    setsockopt(v->fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes);
}

static int http_head(struct viewer *v)
{
    ssize_t got = recv(v->fd, v->head, HEAD, MSG_PEEK | MSG_DONTWAIT);
    if (got <= 0)
        return got < 0 && errno == EAGAIN ? 0 : -1;
    v->head[got] = 0;
    char *length = strcasestr(v->head, "\nContent-Length:");
    char *end = length ? strstr(length, "\r\n\r\n") : NULL;
    if (!end) {
        if (got == HEAD)
            return -1;
        /* The boundary alone, or less than a header: be told when there is more. */
        readable_from(v, got + 1);
        return 0;
    }
    readable_from(v, 1);
    size_t used = end + 4 - v->head;
    recv(v->fd, v->head, used, MSG_DONTWAIT);
    v->bytes += counting ? (long)used : 0;
    v->skip = strtoul(length + 16, NULL, 10);
    v->is_frame = 1;
    return 1;
}

static void readable(struct viewer *v)
{
    for (;;) {
        if (sealed)
            v->skip = 1 << 20;
        if (v->skip) {
            ssize_t got = recv(v->fd, NULL, v->skip, MSG_TRUNC | MSG_DONTWAIT);
            if (got < 0 && errno == EAGAIN)
                return;
            if (got <= 0)
                break;
            v->bytes += counting ? got : 0;
            v->skip -= got;
            v->is_served |= sealed;
            if (!v->skip)
                skipped(v);
        } else {
            int went = over_websocket ? websocket_head(v) : over_http ? http_head(v) : frames_head(v);
            if (went == 0)
                return;
            if (went < 0)
                break;
        }
    }
    v->alive = 0;
    close(v->fd);
}

static void heed(struct viewer *v, int poller)
{
    v->alive = 1;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = v};
    epoll_ctl(poller, EPOLL_CTL_ADD, v->fd, &event);
}

static void begin(struct viewer *v, int port, const char *path, int poller)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    v->fd = socket(AF_INET, SOCK_STREAM, 0);
    int one = 1;
    setsockopt(v->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (v->fd < 0 || connect(v->fd, (struct sockaddr *)&to, sizeof to) < 0)
        die("connect");
    char words[512];
    int size;
    if (over_http) {
        const char *upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        size = snprintf(words, sizeof words, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n%s\r\n", path, port,
                        over_websocket ? upgrade : "");
    } else {
        char join[128];
        snprintf(join, sizeof join, "{\"role\":\"view\",\"window\":%d,\"codecs\":[\"%s\"]}",
                 acknowledges ? 2 : 0, codec);
        size = 8 + strlen(join);
        memcpy(words, (char[8]){0x54, 2, 0, 0, 0, 0, 0, (char)strlen(join)}, 8);
        memcpy(words + 8, join, strlen(join));
    }
    if (send(v->fd, words, size, MSG_NOSIGNAL) != size)
        die("send");
    heed(v, poller);
}

static void run_until(double end, int poller)
{
    struct epoll_event events[BATCH];
    for (double left; (left = end - now()) > 0;) {
        int count = epoll_wait(poller, events, BATCH, (int)(left * 1000) + 1);
        for (int i = 0; i < count; i++) {
            struct viewer *v = events[i].data.ptr;
            if (v->alive)
                readable(v);
        }
    }
}

/* Waits until all are served. A viewer of H.264 that fell behind while the others connected goes on
 * with a key frame, which may come after two seconds only. */
static void settle(struct viewer *viewers, int count, int poller)
{
    double began = now(), took = 0;
    for (int waiting = 1; took < 1 || (waiting && took < 5); took = now() - began) {
        for (int i = 0; i < count; i++)
            viewers[i].is_served = 0;
        run_until(now() + 0.5, poller);
        waiting = 0;
        for (int i = 0; i < count; i++)
            waiting += viewers[i].alive && !viewers[i].is_served;
    }
}

/* The connections in a list of descriptors. */
static struct viewer *inherit(const char *list, int *count, int poller)
{
    struct viewer *viewers = NULL;
    char *end;
    for (*count = 0; *list; list = *end ? end + 1 : end) {
        viewers = realloc(viewers, (*count + 1) * sizeof *viewers);
        memset(viewers + *count, 0, sizeof *viewers);
        viewers[(*count)++].fd = strtol(list, &end, 10);
    }
    for (int i = 0; i < *count; i++)
        heed(viewers + i, poller);
    return viewers;
}

static struct viewer *connect_all(int count, int port, const char *path, int poller)
{
    struct viewer *viewers = calloc(count, sizeof *viewers);
    for (int i = 0; i < count; i++) {
        begin(viewers + i, port, path, poller);
        run_until(now() + 0.001, poller);
    }
    return viewers;
}

int main(int words, char **word)
{
    if (words < 4)
        return 2;
    over_websocket = strcmp(word[1], "websocket") == 0;
    over_http = over_websocket || strcmp(word[1], "http") == 0;
    sealed = strcmp(word[1], "sealed") == 0;
    if (words < (over_http ? 6 : sealed ? 4 : 5))
        return 2;
    acknowledges = !over_http && !sealed && words > 5 && atoi(word[5]);
    if (!over_http && !sealed && words > 6)
        codec = word[6];
    double seconds = atof(word[over_http ? 5 : sealed ? 3 : 4]);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    int poller = epoll_create1(0), count = sealed ? 0 : atoi(word[over_http ? 4 : 3]);
    struct viewer *viewers =
        sealed ? inherit(word[2], &count, poller)
               : connect_all(count, atoi(word[2]), over_http ? word[3] : "", poller);
    settle(viewers, count, poller);
    counting = 1;
    printf("counting\n");
    fflush(stdout);
    double begun = now();
    run_until(begun + seconds, poller);
    double took = now() - begun;
    long alive = 0, frames = 0, bytes = 0, least = -1, least_bytes = -1;
    for (int i = 0; i < count; i++) {
        struct viewer *v = viewers + i;
        alive += v->alive;
        frames += v->frames;
        bytes += v->bytes;
        if (least < 0 || v->frames < least)
            least = v->frames;
        if (least_bytes < 0 || v->bytes < least_bytes)
            least_bytes = v->bytes;
    }
    printf("{\"alive\": %ld, \"frames\": %ld, \"bytes\": %ld, \"least_frames\": %ld, "
           "\"least_bytes\": %ld, \"begun\": %.4f, \"seconds\": %.4f}\n",
           alive, frames, bytes, least, least_bytes, begun, took);
    return 0;
}
