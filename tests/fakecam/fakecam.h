/* A webcam made out of files: what the parts of the library share.
 *
 * FAKECAM names a directory, the fake machine:
 *   dev/videoN                       the camera's control file: a few words, read live (struct mood)
 *   dev/v4l/by-id/NAME               a symbolic link to ../../videoN
 *   sys/class/video4linux/videoN/    name, uevent; model (what it can do), controls (their values)
 *   sys/dev/char/81:N                a symbolic link to the former
 * Removing dev/videoN unplugs the camera; what the kernel says of these files is what programs see.
 */
#ifndef FAKECAM_H
#define FAKECAM_H

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/videodev2.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define VIDEO_MAJOR 81

/* The C library's own function of that name, behind ours. */
#define NEXT(name)                                                \
    ({                                                            \
        static __typeof__(&name) found_;                          \
        if (!found_)                                              \
            found_ = (__typeof__(&name))dlsym(RTLD_NEXT, #name); \
        found_;                                                   \
    })

static inline int failed(int code)
{
    errno = code;
    return -1;
}

/* names.c: the paths of the fake machine */
extern char fake_root[PATH_MAX];
const char *fake_path(const char *path, char room[PATH_MAX]);
int fake_number(const char *path);
void fake_stat(struct stat *st, int number);

/* model.c: what a camera can do, what it shows, how it feels */
enum state { OK, STALLED, BUSY, HUNG, UNPLUGGED, TAKEN, DENIED, CROWDED };

struct mood {
    enum state is;
    double rate;      /* frames per second, 0: the granted rate */
    char corrupt[16]; /* how frames are spoiled, empty: not at all */
    unsigned every;   /* one frame in so many is spoiled */
};

struct mode {
    uint32_t fourcc;
    unsigned width, height;
    int rates;
    struct v4l2_fract intervals[8]; /* seconds per frame */
    char frames[PATH_MAX];
};

struct model {
    char card[32], driver[16], bus[32], journal[PATH_MAX];
    int stamp, modes;
    struct mode mode[32];
    int32_t *values; /* of the controls, shared by all who have the camera open */
};

struct album {
    uint8_t *bytes;
    size_t size;
    uint32_t count;
    const struct { uint64_t offset, length; } *at;
};

void mood_read(int control, struct mood *mood);
int model_load(struct model *model, int number);
void model_drop(struct model *model);
int album_open(struct album *album, const char *path);
void album_close(struct album *album);
size_t album_copy(const struct album *album, uint32_t frame, uint8_t *to, size_t room);
size_t frame_spoil(uint8_t *jpeg, size_t length, const char *how, uint32_t seed);
size_t frame_stamp(uint8_t *jpeg, size_t length, size_t room, uint32_t sequence, int64_t time);

/* controls.c: brightness and the like */
#define CONTROLS 13
void controls_reset(int32_t *values);
int controls_ioctl(int32_t *values, unsigned request, void *arg);

/* camera.c: open files of the camera */
int camera_open(int control, int number, int flags);
int camera_stat(int fd, struct stat *st);

#endif
