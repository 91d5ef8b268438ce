/* The floor of small packets: a loop that sends the same bytes to every viewer with one send(2) each,
 * as FRAMEs of the frame port, and throws away what viewers send. It looks at nothing: a viewer whose
 * socket is full misses the rest, and the benchmark is over for it.
 *
 *   packets PORT BYTES FPS     on 127.0.0.1
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
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

enum { VIEWERS = 4096, BATCH = 256 };

static int viewers[VIEWERS], count, poller;

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

static void packet(uint8_t *message, size_t size)
{
    static uint64_t seq;
    seq++;
    for (int i = 0; i < 8; i++)
        message[8 + i] = seq >> (56 - 8 * i);
    for (int i = 0; i < count; i++)
        send(viewers[i], message, size, MSG_NOSIGNAL | MSG_DONTWAIT);
}

int main(int words, char **word)
{
    if (words != 4)
        return 2;
    signal(SIGPIPE, SIG_IGN);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(atoi(word[1]))};
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&here, sizeof here) < 0 || listen(listener, 1024) < 0) {
        perror("listen");
        return 1;
    }
    size_t size = 8 + 24 + atoi(word[2]);
    uint8_t *message = calloc(1, size);
    uint32_t length = htonl(size - 8);
    message[0] = 0x54;
    message[1] = 4;
    memcpy(message + 4, &length, 4);
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct timespec period = {.tv_nsec = 1000000000 / atoi(word[3])};
    timerfd_settime(timer, 0, &(struct itimerspec){period, period}, NULL);
    poller = epoll_create1(0);
    for (int i = 0, each[] = {listener, timer}; i < 2; i++)
        epoll_ctl(poller, EPOLL_CTL_ADD, each[i],
                  &(struct epoll_event){.events = EPOLLIN, .data.fd = each[i]});
    for (;;) {
        struct epoll_event events[BATCH];
        int ready = epoll_wait(poller, events, BATCH, -1);
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            char heard[256];
            uint64_t due;
            if (fd == listener)
                welcome(listener);
            else if (fd == timer && read(timer, &due, sizeof due) > 0)
                packet(message, size);
            else if (fd != timer && read(fd, heard, sizeof heard) <= 0)
                epoll_ctl(poller, EPOLL_CTL_DEL, fd, NULL);
        }
    }
}
