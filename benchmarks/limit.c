/* The floor: what a camera server costs that does nothing else. It takes MJPEG from a webcam, writes
 * each frame once to a memory file, and lets the kernel send its pages to every viewer (sendfile), as
 * multipart over HTTP, whatever they ask for. A viewer that is not done with a frame gets the newest
 * one when it is. No limits, no timeouts, no errors told: nothing to serve a camera with.
 *
 *   limit PORT WIDTHxHEIGHT FPS     on 127.0.0.1, from /dev/video0
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { BUFFERS = 4, VIEWERS = 4096, BATCH = 256 };

struct frame {
    int file, holders;
    off_t size;
};

struct viewer {
    int fd;
    off_t sent;
    struct frame *frame; /* under way to it, or NULL */
    struct frame *last;  /* the one that it had last; compared, never looked into */
};

static struct viewer *viewers[VIEWERS];
static int count, poller;
static struct frame *newest;
static struct {
    void *start;
    size_t length;
} buffers[BUFFERS];

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void let_go(struct frame *frame)
{
    if (--frame->holders)
        return;
    close(frame->file);
    free(frame);
}

/* Sends what there is to send until the socket is full. */
static void serve(struct viewer *v)
{
    for (;;) {
        if (!v->frame) {
            if (!newest || newest == v->last)
                return;
            v->frame = v->last = newest;
            v->frame->holders++;
            v->sent = 0;
        }
        ssize_t went = sendfile(v->fd, v->frame->file, &v->sent, v->frame->size - v->sent);
        if (went < 0 && errno == EAGAIN)
            return;
        if (went >= 0 && v->sent < v->frame->size)
            continue;
        let_go(v->frame);
        v->frame = NULL;
        if (went < 0) {
            close(v->fd);
            v->fd = -1;
            return;
        }
    }
}

static void welcome(int listener)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; "
                               "boundary=frame\r\n\r\n";
    int fd;
    while (count < VIEWERS && (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct viewer *v = calloc(1, sizeof *v);
        int one = 1;
        v->fd = fd;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct epoll_event event = {.events = EPOLLOUT | EPOLLET, .data.ptr = v};
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
        if (send(fd, head, sizeof head - 1, MSG_NOSIGNAL) > 0)
            viewers[count++] = v;
    }
}

static void picture(int camera)
{
    struct v4l2_buffer taken = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_MMAP};
    if (ioctl(camera, VIDIOC_DQBUF, &taken) < 0)
        return;
    char head[128];
    int length = snprintf(head, sizeof head,
                          "--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %u\r\n\r\n",
                          taken.bytesused);
    struct frame *frame = calloc(1, sizeof *frame);
    struct iovec parts[] = {
        {head, length}, {buffers[taken.index].start, taken.bytesused}, {"\r\n", 2}};
    frame->file = memfd_create("frame", MFD_CLOEXEC);
    frame->holders = 1;
    frame->size = writev(frame->file, parts, 3);
    ioctl(camera, VIDIOC_QBUF, &taken);
    if (newest)
        let_go(newest);
    newest = frame;
    int left = 0;
    for (int i = 0; i < count; i++) {
        struct viewer *v = viewers[i];
        if (v->fd >= 0)
            serve(v);
        if (v->fd >= 0)
            viewers[left++] = v;
        else
            free(v);
    }
    count = left;
}

static int open_camera(unsigned width, unsigned height, unsigned fps)
{
    int camera = open("/dev/video0", O_RDWR | O_NONBLOCK);
    enum v4l2_buf_type type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
    struct v4l2_format format = {.type = type};
    format.fmt.pix.width = width;
    format.fmt.pix.height = height;
    format.fmt.pix.pixelformat = V4L2_PIX_FMT_MJPEG;
    struct v4l2_streamparm rate = {.type = type};
    rate.parm.capture.timeperframe = (struct v4l2_fract){1, fps};
    struct v4l2_requestbuffers wanted = {.count = BUFFERS, .type = type, .memory = V4L2_MEMORY_MMAP};
    if (camera < 0 || ioctl(camera, VIDIOC_S_FMT, &format) < 0 ||
        ioctl(camera, VIDIOC_S_PARM, &rate) < 0 || ioctl(camera, VIDIOC_REQBUFS, &wanted) < 0)
        die("/dev/video0");
    for (unsigned i = 0; i < BUFFERS; i++) {
        struct v4l2_buffer buffer = {.index = i, .type = type, .memory = V4L2_MEMORY_MMAP};
        if (ioctl(camera, VIDIOC_QUERYBUF, &buffer) < 0)
            die("QUERYBUF");
        buffers[i].length = buffer.length;
        buffers[i].start =
            mmap(NULL, buffer.length, PROT_READ | PROT_WRITE, MAP_SHARED, camera, buffer.m.offset);
        if (buffers[i].start == MAP_FAILED || ioctl(camera, VIDIOC_QBUF, &buffer) < 0)
            die("QBUF");
    }
    if (ioctl(camera, VIDIOC_STREAMON, &type) < 0)
        die("STREAMON");
    return camera;
}

int main(int words, char **word)
{
    unsigned width, height;
    if (words != 4 || sscanf(word[2], "%ux%u", &width, &height) != 2)
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
    if (bind(listener, (struct sockaddr *)&here, sizeof here) < 0 || listen(listener, 1024) < 0)
        die("listen");
    int camera = open_camera(width, height, atoi(word[3]));
    poller = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &listener};
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    event.data.ptr = &camera;
    epoll_ctl(poller, EPOLL_CTL_ADD, camera, &event);
    for (;;) {
        struct epoll_event events[BATCH];
        int ready = epoll_wait(poller, events, BATCH, -1);
        for (int i = 0; i < ready; i++) {
            struct viewer *v = events[i].data.ptr;
            if (events[i].data.ptr == &listener)
                welcome(listener);
            else if (events[i].data.ptr == &camera)
                continue; /* last: a viewer may be freed there */
            else if (v->frame)
                serve(v);
        }
        for (int i = 0; i < ready; i++)
            if (events[i].data.ptr == &camera)
                picture(camera);
    }
}
