/* The floor of RTP: a loop that sends the same packets to every viewer, and throws away what viewers send.
 * Over TCP it is one send(2) of a picture's interleaved packets for each viewer, over UDP one sendmsg(2)
 * whose buffer the kernel cuts into the packets (UDP_SEGMENT). It looks at nothing: a viewer whose socket
 * is full misses packets.
 *
 *   rtp PORT PACKETS FPS tcp|udp     on 127.0.0.1
 *
 * A viewer over UDP sends a datagram to the port to come.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { VIEWERS = 4096, BATCH = 256, PACKET = 1412 };

static int viewers[VIEWERS], count, poller;
static struct sockaddr_in addresses[VIEWERS];

static void welcome(int listener)
{
    int fd, one = 1;
    while (count < VIEWERS && (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
        viewers[count++] = fd;
    }
}

static void welcome_address(int sock)
{
    char heard[256];
    socklen_t size = sizeof addresses[0];
    if (count < VIEWERS &&
        recvfrom(sock, heard, sizeof heard, 0, (struct sockaddr *)&addresses[count], &size) > 0)
        count++;
}

static void picture(uint8_t *bytes, size_t size)
{
    for (int i = 0; i < count; i++)
        send(viewers[i], bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void datagrams(int sock, uint8_t *bytes, size_t size)
{
    char control[CMSG_SPACE(sizeof(uint16_t))] = {0};
    struct iovec part = {bytes, size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
                             .msg_controllen = sizeof control, .msg_namelen = sizeof addresses[0]};
    struct cmsghdr *option = CMSG_FIRSTHDR(&message);
    option->cmsg_level = SOL_UDP;
    option->cmsg_type = UDP_SEGMENT;
    option->cmsg_len = CMSG_LEN(sizeof(uint16_t));
    *(uint16_t *)CMSG_DATA(option) = PACKET;
    for (int i = 0; i < count; i++) {
        message.msg_name = &addresses[i];
        sendmsg(sock, &message, MSG_DONTWAIT);
    }
}

int main(int words, char **word)
{
    if (words != 5)
        return 2;
    int is_udp = !strcmp(word[4], "udp"), one = 1, head = is_udp ? 0 : 4;
    signal(SIGPIPE, SIG_IGN);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(atoi(word[1]))};
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int door = socket(AF_INET, (is_udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK, 0);
    setsockopt(door, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(door, (struct sockaddr *)&here, sizeof here) < 0 || (!is_udp && listen(door, 1024) < 0)) {
        perror("bind");
        return 1;
    }
    int packets = atoi(word[2]);
    size_t size = packets * (PACKET + head);
    uint8_t *bytes = calloc(1, size);
    for (int i = 0; i < packets; i++) {
        uint8_t *at = bytes + i * (PACKET + head);
        if (head)
            memcpy(at, (uint8_t[]){'$', 0, PACKET >> 8, PACKET & 255}, 4);
        memcpy(at + head, (uint8_t[]){0x80, 96, i >> 8, i & 255}, 4);
    }
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct timespec period = {.tv_nsec = 1000000000 / atoi(word[3])};
    timerfd_settime(timer, 0, &(struct itimerspec){period, period}, NULL);
    poller = epoll_create1(0);
    for (int i = 0, each[] = {door, timer}; i < 2; i++)
        epoll_ctl(poller, EPOLL_CTL_ADD, each[i],
                  &(struct epoll_event){.events = EPOLLIN, .data.fd = each[i]});
    for (;;) {
        struct epoll_event events[BATCH];
        int ready = epoll_wait(poller, events, BATCH, -1);
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            char heard[256];
            uint64_t due;
            if (fd == door && is_udp)
                welcome_address(door);
            else if (fd == door)
                welcome(door);
            else if (fd == timer && read(timer, &due, sizeof due) > 0)
                is_udp ? datagrams(door, bytes, size) : picture(bytes, size);
            else if (fd != timer && read(fd, heard, sizeof heard) <= 0)
                epoll_ctl(poller, EPOLL_CTL_DEL, fd, NULL);
        }
    }
}
