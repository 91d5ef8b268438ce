/* Open files of the camera: what a driver does with ioctl, mmap, dup and close, and the thread that
 * fills buffers at the camera's pace.
 *
 * The program's descriptor is the reading end of a pipe that holds one byte while a frame waits, so
 * that poll, select and epoll work without help; its other end is closed when the camera is gone, and
 * they report a hang-up. The control file stays open beside it: it carries the camera's mood, and a
 * lock on it makes one of the open files, in whatever process, the owner of the stream. */
#include "fakecam.h"
#include <signal.h>
#include <sys/file.h>

#define DESCRIPTORS (1 << 20)
#define BUFFERS 32
#define GLANCE 50000000LL /* nanoseconds between looks at the control file when no frame is due */

struct handle {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    pid_t owner; /* children that inherit the descriptor have no camera thread */
    int users; /* descriptors and calls under way */
    int number, control, wake, drain, memory; /* wake and drain: the two ends of the pipe */
    enum { OFF, ON, STOPPING } streaming;
    int dead, awake;
    struct mood mood;
    struct model model;
    const struct mode *mode;
    struct v4l2_fract interval;
    struct album album;
    int journal;
    uint8_t *map;
    size_t room; /* bytes of one buffer */
    struct v4l2_buffer buffers[BUFFERS];
    unsigned count, queued[BUFFERS], queued_count, done[BUFFERS], done_count;
    uint32_t sequence;
};

static struct handle *handles[DESCRIPTORS];
static pthread_mutex_t table = PTHREAD_MUTEX_INITIALIZER;

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* True when the descriptor is no camera opened by this very process: a child, even one that shares our
 * memory until it calls exec, must not disturb its parent's camera. */
static int is_foreign(int fd)
{
    struct handle *h = fd < 0 || fd >= DESCRIPTORS ? NULL : __atomic_load_n(&handles[fd], __ATOMIC_ACQUIRE);
    return !h || h->owner != getpid();
}

/* The handle behind a descriptor, held until let_go(); NULL: not ours. */
static struct handle *hold(int fd)
{
    if (is_foreign(fd))
        return NULL;
    pthread_mutex_lock(&table);
    struct handle *h = handles[fd];
    if (h)
        h->users++;
    pthread_mutex_unlock(&table);
    return h;
}

/* Makes the descriptor readable while a frame, or a driver that will not answer, waits behind it. */
static void tell(struct handle *h)
{
    int want = h->done_count > 0 || h->mood.is == HUNG || h->dead;
    char byte = 0;
    if (want && !h->awake)
        h->awake = write(h->wake, &byte, 1) == 1;
    else if (!want && h->awake)
        h->awake = read(h->drain, &byte, 1) != 1;
    if (h->dead && h->wake >= 0) {
        syscall(SYS_close, h->wake);
        h->wake = -1;
    }
    if (want)
        pthread_cond_broadcast(&h->changed);
}

/* Reads the mood. A camera that was unplugged once stays dead for those who had it open. */
static enum state look(struct handle *h)
{
    enum state before = h->mood.is;
    mood_read(h->control, &h->mood);
    h->dead |= h->mood.is == UNPLUGGED;
    if (h->mood.is != before)
        tell(h);
    return h->mood.is;
}

/* Stays, deaf to signals, while the driver hangs; h->lock is held before and after. */
static void sit_out(struct handle *h)
{
    const struct timespec pause = {.tv_nsec = GLANCE / 2};
    sigset_t all, before;
    if (look(h) != HUNG)
        return;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (look(h) == HUNG) {
        pthread_mutex_unlock(&h->lock);
        nanosleep(&pause, NULL);
        pthread_mutex_lock(&h->lock);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* Every call into the driver begins here, and has the lock from here on. */
static void enter(struct handle *h)
{
    pthread_mutex_lock(&h->lock);
    sit_out(h);
}

/* One picture leaves the sensor: into the oldest queued buffer, or lost when there is none. */
static void shoot(struct handle *h, int64_t time)
{
    uint32_t sequence = h->sequence++, frame = sequence % h->album.count;
    if (!h->queued_count)
        return;
    unsigned index = h->queued[0];
    memmove(h->queued, h->queued + 1, --h->queued_count * sizeof *h->queued);
    uint8_t *picture = h->map + index * h->room;
    size_t length = album_copy(&h->album, frame, picture, h->room);
    int spoiled = h->mood.corrupt[0] && sequence % h->mood.every == 0;
    if (spoiled)
        length = frame_spoil(picture, length, h->mood.corrupt, sequence + 1);
    if (h->model.stamp && h->mode->fourcc == V4L2_PIX_FMT_MJPEG && !spoiled)
        length = frame_stamp(picture, length, h->room, sequence, time);
    struct v4l2_buffer *b = &h->buffers[index];
    b->flags = (b->flags & ~V4L2_BUF_FLAG_QUEUED) | V4L2_BUF_FLAG_DONE;
    b->bytesused = length;
    b->sequence = sequence;
    b->timestamp = (struct timeval){time / 1000000000, time % 1000000000 / 1000};
    h->done[h->done_count++] = index;
    if (h->journal >= 0)
        dprintf(h->journal, "%u %u %lld\n", sequence, frame, (long long)time);
    tell(h);
}

/* The camera's own thread, from STREAMON to STREAMOFF: pictures on a grid of time that does not drift. */
static void *run(void *arg)
{
    struct handle *h = arg;
    double rate = 0;
    int64_t period = 0, next = now();
    pthread_setname_np(pthread_self(), "fakecam"); /* so that a benchmark can tell its time apart */
    pthread_mutex_lock(&h->lock);
    while (h->streaming == ON) {
        enum state state = look(h);
        double wanted = h->mood.rate > 0 ? h->mood.rate : (double)h->interval.denominator / h->interval.numerator;
        if (wanted != rate) {
            next += (int64_t)(1e9 / wanted) - period;
            period = 1e9 / wanted;
            rate = wanted;
        }
        int64_t time = now();
        if (time - next > 1000000000)
            next = time; /* the machine slept: what was missed is gone */
        if (time >= next) {
            if (!h->dead && state != STALLED && state != HUNG)
                shoot(h, next);
            next += period;
            continue;
        }
        int64_t until = next - time < GLANCE ? next : time + GLANCE;
        struct timespec at = {until / 1000000000, until % 1000000000};
        pthread_cond_timedwait(&h->changed, &h->lock, &at);
    }
    pthread_mutex_unlock(&h->lock);
    return NULL;
}

static int stream_on(struct handle *h)
{
    sigset_t all, before;
    if (h->streaming)
        return h->streaming == ON ? 0 : failed(EBUSY);
    if (!h->count)
        return failed(EINVAL);
    if (!album_open(&h->album, h->mode->frames)) {
        fprintf(stderr, "fakecam: %s holds no frames\n", h->mode->frames);
        return failed(EIO);
    }
    if (h->model.journal[0])
        h->journal = syscall(SYS_openat, AT_FDCWD, h->model.journal, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    h->sequence = 0;
    h->streaming = ON;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int problem = pthread_create(&h->thread, NULL, run, h);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!problem)
        return 0;
    h->streaming = OFF;
    album_close(&h->album);
    return failed(problem);
}

static void stream_off(struct handle *h)
{
    if (h->streaming == ON) {
        h->streaming = STOPPING;
        pthread_cond_broadcast(&h->changed);
        pthread_mutex_unlock(&h->lock);
        pthread_join(h->thread, NULL);
        pthread_mutex_lock(&h->lock);
        h->streaming = OFF;
        album_close(&h->album);
        if (h->journal >= 0)
            syscall(SYS_close, h->journal);
        h->journal = -1;
    }
    h->queued_count = h->done_count = 0;
    for (unsigned i = 0; i < h->count; i++)
        h->buffers[i].flags &= ~(V4L2_BUF_FLAG_QUEUED | V4L2_BUF_FLAG_DONE);
    tell(h);
}

/* One open file at a time, in whatever process, owns the stream. */
static int own(struct handle *h)
{
    return h->mood.is == BUSY || flock(h->control, LOCK_EX | LOCK_NB) ? failed(EBUSY) : 0;
}

static size_t size_of(const struct mode *mode) { return (size_t)mode->width * mode->height * 2; }

static const struct mode *nearest(const struct handle *h, const struct v4l2_pix_format *wish)
{
    const struct model *m = &h->model;
    const struct mode *best = NULL;
    uint32_t fourcc = m->mode[0].fourcc;
    uint64_t least = UINT64_MAX, w = wish->width, t = wish->height;
    for (int i = 0; i < m->modes; i++)
        if (m->mode[i].fourcc == wish->pixelformat)
            fourcc = wish->pixelformat;
    for (const struct mode *o = m->mode; o < m->mode + m->modes; o++) {
        uint64_t common = (w < o->width ? w : o->width) * (t < o->height ? t : o->height);
        uint64_t apart = w * t + (uint64_t)o->width * o->height - 2 * common;
        if (o->fourcc == fourcc && (!best || apart < least)) {
            best = o;
            least = apart;
        }
    }
    return best;
}

static void describe(const struct mode *mode, struct v4l2_pix_format *pix)
{
    *pix = (struct v4l2_pix_format){.width = mode->width, .height = mode->height, .pixelformat = mode->fourcc,
        .field = V4L2_FIELD_NONE, .sizeimage = size_of(mode), .colorspace = V4L2_COLORSPACE_SRGB,
        .bytesperline = mode->fourcc == V4L2_PIX_FMT_YUYV ? mode->width * 2 : 0};
}

static int set_format(struct handle *h, struct v4l2_format *f, int try_only)
{
    const struct mode *mode = nearest(h, &f->fmt.pix);
    if (!try_only) {
        if (own(h))
            return -1;
        if (h->count)
            return failed(EBUSY);
        h->mode = mode;
        h->interval = mode->intervals[0];
    }
    describe(mode, &f->fmt.pix);
    return 0;
}

static int parameters(struct handle *h, struct v4l2_streamparm *p, int set)
{
    struct v4l2_fract wish = p->parm.capture.timeperframe;
    if (set && own(h))
        return -1;
    if (set && h->streaming)
        return failed(EBUSY);
    double least = 1e9;
    for (int i = 0; set && wish.numerator && wish.denominator && i < h->mode->rates; i++) {
        struct v4l2_fract offer = h->mode->intervals[i];
        double apart = (double)offer.numerator / offer.denominator - (double)wish.numerator / wish.denominator;
        apart = apart < 0 ? -apart : apart;
        if (apart < least) {
            least = apart;
            h->interval = offer;
        }
    }
    memset(&p->parm, 0, sizeof p->parm);
    p->parm.capture.capability = V4L2_CAP_TIMEPERFRAME;
    p->parm.capture.timeperframe = h->interval;
    return 0;
}

static int enumerate_formats(const struct model *m, struct v4l2_fmtdesc *d)
{
    uint32_t wanted = d->index;
    for (int i = 0; i < m->modes; i++) {
        int known = 0;
        for (int k = 0; k < i; k++)
            known |= m->mode[k].fourcc == m->mode[i].fourcc;
        if (known || wanted--)
            continue;
        uint32_t fourcc = m->mode[i].fourcc;
        int jpeg = fourcc == V4L2_PIX_FMT_MJPEG, h264 = fourcc == V4L2_PIX_FMT_H264;
        *d = (struct v4l2_fmtdesc){.index = d->index, .type = d->type, .pixelformat = fourcc,
            .flags = jpeg || h264 ? V4L2_FMT_FLAG_COMPRESSED : 0};
        snprintf((char *)d->description, sizeof d->description, "%s",
                 jpeg ? "Motion-JPEG" : h264 ? "H.264" : fourcc == V4L2_PIX_FMT_YUYV ? "YUYV 4:2:2" : "Raw");
        return 0;
    }
    return failed(EINVAL);
}

static int enumerate_sizes(const struct model *m, struct v4l2_frmsizeenum *e)
{
    uint32_t wanted = e->index;
    for (const struct mode *o = m->mode; o < m->mode + m->modes; o++)
        if (o->fourcc == e->pixel_format && !wanted--) {
            e->type = V4L2_FRMSIZE_TYPE_DISCRETE;
            e->discrete = (struct v4l2_frmsize_discrete){o->width, o->height};
            return 0;
        }
    return failed(EINVAL);
}

static int enumerate_intervals(const struct model *m, struct v4l2_frmivalenum *e)
{
    for (const struct mode *o = m->mode; o < m->mode + m->modes; o++)
        if (o->fourcc == e->pixel_format && o->width == e->width && o->height == e->height
            && e->index < (uint32_t)o->rates) {
            e->type = V4L2_FRMIVAL_TYPE_DISCRETE;
            e->discrete = o->intervals[e->index];
            return 0;
        }
    return failed(EINVAL);
}

static void free_buffers(struct handle *h)
{
    if (h->map)
        munmap(h->map, h->count * h->room);
    if (h->memory >= 0)
        syscall(SYS_close, h->memory);
    h->map = NULL;
    h->memory = -1;
    h->count = 0;
}

static int request_buffers(struct handle *h, struct v4l2_requestbuffers *r)
{
    if (r->type != V4L2_BUF_TYPE_VIDEO_CAPTURE || r->memory != V4L2_MEMORY_MMAP)
        return failed(EINVAL);
    if (own(h))
        return -1;
    if (h->streaming)
        return failed(EBUSY);
    free_buffers(h);
    r->capabilities = V4L2_BUF_CAP_SUPPORTS_MMAP;
    if (!r->count) {
        flock(h->control, LOCK_UN);
        return 0;
    }
    unsigned count = r->count < 2 ? 2 : r->count > BUFFERS ? BUFFERS : r->count;
    h->room = (size_of(h->mode) + 4095) & ~(size_t)4095;
    h->memory = memfd_create("fakecam", MFD_CLOEXEC);
    if (h->memory < 0 || ftruncate(h->memory, count * h->room))
        return failed(ENOMEM);
    void *map = mmap(NULL, count * h->room, PROT_READ | PROT_WRITE, MAP_SHARED, h->memory, 0);
    if (map == MAP_FAILED)
        return failed(ENOMEM);
    h->map = map;
    r->count = h->count = count;
    for (unsigned i = 0; i < count; i++)
        h->buffers[i] = (struct v4l2_buffer){.index = i, .type = r->type, .memory = V4L2_MEMORY_MMAP,
            .field = V4L2_FIELD_NONE, .length = size_of(h->mode), .m.offset = i * h->room,
            .flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC | V4L2_BUF_FLAG_TSTAMP_SRC_SOE};
    return 0;
}

static int queue(struct handle *h, struct v4l2_buffer *b)
{
    const uint32_t taken = V4L2_BUF_FLAG_QUEUED | V4L2_BUF_FLAG_DONE;
    if (b->index >= h->count || b->memory != V4L2_MEMORY_MMAP || h->buffers[b->index].flags & taken)
        return failed(EINVAL);
    h->buffers[b->index].flags |= V4L2_BUF_FLAG_QUEUED;
    h->queued[h->queued_count++] = b->index;
    *b = h->buffers[b->index];
    return 0;
}

static int dequeue(struct handle *h, struct v4l2_buffer *b, int fd)
{
    int patient = !(fcntl(fd, F_GETFL) & O_NONBLOCK);
    while (!h->done_count) {
        if (h->dead)
            return failed(ENODEV);
        if (h->streaming != ON)
            return failed(EINVAL);
        if (!patient)
            return failed(EAGAIN);
        pthread_cond_wait(&h->changed, &h->lock);
        sit_out(h);
    }
    unsigned index = h->done[0];
    memmove(h->done, h->done + 1, --h->done_count * sizeof *h->done);
    h->buffers[index].flags &= ~V4L2_BUF_FLAG_DONE;
    *b = h->buffers[index];
    tell(h);
    return 0;
}

/* What the driver answers; h->lock is held. */
static int answer(struct handle *h, int fd, unsigned request, void *arg)
{
    if (h->dead)
        return failed(ENODEV);
    switch (request) {
    case VIDIOC_QUERYCAP: {
        struct v4l2_capability *c = arg;
        const uint32_t can = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING | V4L2_CAP_EXT_PIX_FORMAT;
        *c = (struct v4l2_capability){.version = 0x060100, .capabilities = can | V4L2_CAP_DEVICE_CAPS,
            .device_caps = can};
        memcpy(c->driver, h->model.driver, sizeof c->driver);
        memcpy(c->card, h->model.card, sizeof c->card);
        memcpy(c->bus_info, h->model.bus, sizeof c->bus_info);
        return 0;
    }
    case VIDIOC_ENUM_FRAMESIZES:
        return enumerate_sizes(&h->model, arg);
    case VIDIOC_ENUM_FRAMEINTERVALS:
        return enumerate_intervals(&h->model, arg);
    case VIDIOC_ENUM_FMT:
    case VIDIOC_G_FMT:
    case VIDIOC_S_FMT:
    case VIDIOC_TRY_FMT:
    case VIDIOC_G_PARM:
    case VIDIOC_S_PARM:
    case VIDIOC_STREAMON:
    case VIDIOC_STREAMOFF:
    case VIDIOC_QUERYBUF:
    case VIDIOC_QBUF:
    case VIDIOC_DQBUF: {
        int in_second = request == VIDIOC_ENUM_FMT || request == VIDIOC_QUERYBUF || request == VIDIOC_QBUF
            || request == VIDIOC_DQBUF;
        if (((uint32_t *)arg)[in_second] != V4L2_BUF_TYPE_VIDEO_CAPTURE)
            return failed(EINVAL);
        break;
    }
    case VIDIOC_ENUMINPUT: {
        struct v4l2_input *input = arg;
        if (input->index)
            return failed(EINVAL);
        *input = (struct v4l2_input){.name = "Camera 1", .type = V4L2_INPUT_TYPE_CAMERA};
        return 0;
    }
    case VIDIOC_G_INPUT:
        *(int *)arg = 0;
        return 0;
    case VIDIOC_S_INPUT:
        return *(int *)arg ? failed(EINVAL) : own(h);
    case VIDIOC_G_PRIORITY:
        *(uint32_t *)arg = V4L2_PRIORITY_DEFAULT;
        return 0;
    case VIDIOC_S_PRIORITY:
        return 0;
    case VIDIOC_REQBUFS:
        return request_buffers(h, arg);
    case VIDIOC_SUBSCRIBE_EVENT:
        return ((struct v4l2_event_subscription *)arg)->type == V4L2_EVENT_CTRL ? 0 : failed(EINVAL);
    case VIDIOC_UNSUBSCRIBE_EVENT:
        return 0;
    case VIDIOC_DQEVENT:
        return failed(ENOENT);
    }
    switch (request) {
    case VIDIOC_ENUM_FMT:
        return enumerate_formats(&h->model, arg);
    case VIDIOC_G_FMT:
        describe(h->mode, &((struct v4l2_format *)arg)->fmt.pix);
        return 0;
    case VIDIOC_S_FMT:
    case VIDIOC_TRY_FMT:
        return set_format(h, arg, request == VIDIOC_TRY_FMT);
    case VIDIOC_G_PARM:
    case VIDIOC_S_PARM:
        return parameters(h, arg, request == VIDIOC_S_PARM);
    case VIDIOC_QUERYBUF: {
        struct v4l2_buffer *b = arg;
        if (b->index >= h->count)
            return failed(EINVAL);
        *b = h->buffers[b->index];
        return 0;
    }
    case VIDIOC_QBUF:
        return queue(h, arg);
    case VIDIOC_DQBUF:
        return dequeue(h, arg, fd);
    case VIDIOC_STREAMON:
        if (own(h))
            return -1;
        return h->mood.is == CROWDED ? failed(ENOSPC) : stream_on(h);
    case VIDIOC_STREAMOFF:
        stream_off(h);
        return 0;
    }
    return controls_ioctl(h->model.values, request, arg);
}

static void destroy(struct handle *h)
{
    pthread_mutex_lock(&h->lock);
    stream_off(h);
    pthread_mutex_unlock(&h->lock);
    free_buffers(h);
    model_drop(&h->model);
    if (h->wake >= 0)
        syscall(SYS_close, h->wake);
    if (h->drain >= 0)
        syscall(SYS_close, h->drain);
    syscall(SYS_close, h->control);
    pthread_cond_destroy(&h->changed);
    pthread_mutex_destroy(&h->lock);
    free(h);
}

static void let_go(struct handle *h)
{
    pthread_mutex_lock(&table);
    int last = --h->users == 0;
    pthread_mutex_unlock(&table);
    if (last)
        destroy(h);
}

static struct handle *create(int control, int number)
{
    struct handle *h = calloc(1, sizeof *h);
    pthread_condattr_t monotonic;
    if (!h)
        return NULL;
    pthread_mutex_init(&h->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&h->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    h->owner = getpid();
    h->users = 1;
    h->number = number;
    h->control = control;
    h->wake = h->drain = h->memory = h->journal = -1;
    return h;
}

/* Turns the opened control file of camera `number` into an open camera; takes `control` over. */
int camera_open(int control, int number, int flags)
{
    int ends[2] = {-1, -1}, fd = -1, problem = 0;
    struct handle *h = create(control, number);
    if (!h) {
        syscall(SYS_close, control);
        return failed(ENOMEM);
    }
    fcntl(control, F_SETFD, FD_CLOEXEC);
    enter(h);
    pthread_mutex_unlock(&h->lock);
    if (h->dead)
        problem = ENODEV;
    else if (h->mood.is == TAKEN || h->mood.is == DENIED)
        problem = h->mood.is == TAKEN ? EBUSY : EACCES;
    else if (!model_load(&h->model, number))
        problem = ENXIO;
    else if (pipe2(ends, O_CLOEXEC | (flags & O_NONBLOCK)))
        problem = errno;
    else {
        h->mode = &h->model.mode[0];
        h->interval = h->mode->intervals[0];
        h->wake = ends[1];
        h->drain = ends[0];
        fd = fcntl(ends[0], flags & O_CLOEXEC ? F_DUPFD_CLOEXEC : F_DUPFD, 0);
        problem = fd < 0 ? errno : fd >= DESCRIPTORS ? EMFILE : 0;
    }
    if (problem) {
        if (fd >= 0)
            syscall(SYS_close, fd);
        let_go(h);
        return failed(problem);
    }
    __atomic_store_n(&handles[fd], h, __ATOMIC_RELEASE);
    return fd;
}

/* fstat of a descriptor; -1: not a camera's. */
int camera_stat(int fd, struct stat *st)
{
    struct handle *h = hold(fd);
    if (!h)
        return -1;
    int result = syscall(SYS_fstat, h->control, st);
    fake_stat(st, h->number);
    let_go(h);
    return result;
}

EXPORT int ioctl(int fd, unsigned long request, ...)
{
    va_list more;
    va_start(more, request);
    void *arg = va_arg(more, void *);
    va_end(more);
    struct handle *h = hold(fd);
    if (!h)
        return syscall(SYS_ioctl, fd, request, arg);
    enter(h);
    int result = answer(h, fd, request, arg);
    pthread_mutex_unlock(&h->lock);
    int code = errno;
    let_go(h);
    errno = code;
    return result;
}

EXPORT void *mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
    struct handle *h = flags & MAP_ANONYMOUS ? NULL : hold(fd);
    void *map = (void *)syscall(SYS_mmap, at, size, protection, flags, h ? h->memory : fd, offset);
    int code = errno;
    if (h)
        let_go(h);
    errno = code;
    return map;
}
EXPORT void *mmap64(void *at, size_t size, int p, int f, int fd, off64_t o) { return mmap(at, size, p, f, fd, o); }

/* Enters what became of a descriptor (the handle, or NULL when closed) and lets go of what it was. */
static void put(int fd, struct handle *h)
{
    pthread_mutex_lock(&table);
    struct handle *old = handles[fd];
    __atomic_store_n(&handles[fd], h, __ATOMIC_RELEASE);
    if (h)
        h->users++;
    pthread_mutex_unlock(&table);
    if (old)
        let_go(old);
}

EXPORT int close(int fd)
{
    if (is_foreign(fd))
        return syscall(SYS_close, fd);
    struct handle *h = hold(fd);
    if (h) {
        enter(h);
        pthread_mutex_unlock(&h->lock);
        let_go(h);
    }
    put(fd, NULL);
    return syscall(SYS_close, fd);
}

/* A duplicate of a camera's descriptor is the same open camera. */
static int copied(int from, int to)
{
    if (to < 0 || to >= DESCRIPTORS || (is_foreign(from) && is_foreign(to)))
        return to;
    struct handle *h = hold(from);
    put(to, h);
    if (h)
        let_go(h);
    return to;
}
EXPORT int dup(int fd) { return copied(fd, syscall(SYS_dup, fd)); }
EXPORT int dup3(int from, int to, int flags) { return copied(from, syscall(SYS_dup3, from, to, flags)); }
EXPORT int dup2(int from, int to) { return from == to ? NEXT(dup2)(from, to) : dup3(from, to, 0); }

static int control(int fd, int command, void *arg)
{
    int result = syscall(SYS_fcntl, fd, command, arg);
    return command == F_DUPFD || command == F_DUPFD_CLOEXEC ? copied(fd, result) : result;
}
#define ARGUMENT(last)                         \
    ({                                         \
        va_list more_;                         \
        va_start(more_, last);                 \
        void *argument_ = va_arg(more_, void *); \
        va_end(more_);                         \
        argument_;                             \
    })
EXPORT int fcntl(int fd, int command, ...) { return control(fd, command, ARGUMENT(command)); }
EXPORT int fcntl64(int fd, int command, ...) { return control(fd, command, ARGUMENT(command)); }
