/* The fake machine's names: /dev/videoN, /dev/v4l, /sys/class/video4linux and /sys/dev/char/81:N lead
 * into the directory that FAKECAM names; real cameras are hidden. Everything else goes where it always goes. */
#include "fakecam.h"
#include <dirent.h>
#include <sys/xattr.h>

char fake_root[PATH_MAX];
static size_t root_length;

__attribute__((constructor)) static void find_root(void)
{
    const char *directory = getenv("FAKECAM");
    if (directory && NEXT(realpath)(directory, fake_root))
        root_length = strlen(fake_root);
    else
        fake_root[0] = '\0';
}

/* `path` without "//", "/./" and "/../", judged by the letters alone. */
static int tidy(const char *path, char *plain)
{
    size_t length = 0;
    while (*path) {
        size_t step = strcspn(++path, "/");
        if (step == 2 && path[0] == '.' && path[1] == '.')
            while (length && plain[--length] != '/') {}
        else if (step && !(step == 1 && path[0] == '.')) {
            if (length + step + 2 > PATH_MAX)
                return 0;
            plain[length++] = '/';
            memcpy(plain + length, path, step);
            length += step;
        }
        path += step;
    }
    plain[length] = '\0';
    return 1;
}

static int is_or_below(const char *path, const char *directory)
{
    size_t length = strlen(directory);
    return !strncmp(path, directory, length) && (path[length] == '\0' || path[length] == '/');
}

static int is_camera_name(const char *plain)
{
    return (!strncmp(plain, "/dev/video", 10) && plain[10] >= '0' && plain[10] <= '9')
        || is_or_below(plain, "/dev/v4l") || is_or_below(plain, "/sys/class/video4linux")
        || !strncmp(plain, "/sys/dev/char/81:", 17);
}

/* The file that stands for `path`, written into `room`; `path` itself when it is none of ours. */
const char *fake_path(const char *path, char room[PATH_MAX])
{
    char plain[PATH_MAX];
    if (!root_length || !path || (strncmp(path, "/dev/", 5) && strncmp(path, "/sys/", 5)))
        return path;
    if (!tidy(path, plain) || root_length + strlen(plain) >= PATH_MAX)
        return path;
    if (!is_camera_name(plain)) /* "/dev/v4l/.." is the real /dev */
        return is_camera_name(path) ? strcpy(room, plain) : path;
    memcpy(room, fake_root, root_length);
    strcpy(room + root_length, plain);
    return room;
}

static int is_inside(const char *path)
{
    return root_length && !strncmp(path, fake_root, root_length) && path[root_length] == '/';
}

/* Which camera the file `path` of the fake machine (or a link to it) is; -1: none. */
int fake_number(const char *path)
{
    char target[PATH_MAX];
    int number = -1;
    if (is_inside(path) && sscanf(path + root_length, "/dev/video%d", &number) == 1)
        return number;
    ssize_t length = NEXT(readlink)(path, target, sizeof target - 1);
    if (length < 0)
        return -1;
    target[length] = '\0';
    if (is_inside(target))
        sscanf(target + root_length, "/dev/video%d", &number);
    else if (is_inside(path))
        sscanf(target, "../../video%d", &number);
    return number;
}

/* Makes the control file look like what it stands for. */
void fake_stat(struct stat *st, int number)
{
    st->st_mode = S_IFCHR | (st->st_mode & 07777);
    st->st_rdev = makedev(VIDEO_MAJOR, number);
    st->st_size = st->st_blocks = 0;
}

/* True when a regular file found at `found` may be a camera: ours, or behind /proc/PID/fd. */
static int may_be_camera(const char *asked, const char *found)
{
    return root_length && asked && (found != asked || !strncmp(asked, "/proc/", 6));
}

static int stat_at(int directory, const char *path, struct stat *st, int flags)
{
    char room[PATH_MAX];
    if (path && !*path && (flags & AT_EMPTY_PATH) && !camera_stat(directory, st))
        return 0;
    const char *found = fake_path(path, room);
    int result = syscall(SYS_newfstatat, directory, found, st, flags);
    int number = -1;
    if (!result && S_ISREG(st->st_mode) && may_be_camera(path, found))
        number = fake_number(found);
    if (number >= 0)
        fake_stat(st, number);
    return result;
}

static int stat_fd(int fd, struct stat *st)
{
    return camera_stat(fd, st) ? (int)syscall(SYS_fstat, fd, st) : 0;
}

/* struct stat and struct stat64 are one on 64-bit systems, and old programs call the __x names. */
#define STAT(name, type, flags)                                                                      \
    EXPORT int name(const char *p, struct type *st)                                                  \
    {                                                                                                \
        return stat_at(AT_FDCWD, p, (struct stat *)st, flags);                                       \
    }
#define XSTAT(name, flags)                                                                           \
    EXPORT int name(int version, const char *p, struct stat *st);                                    \
    int name(int version, const char *p, struct stat *st)                                            \
    {                                                                                                \
        (void)version;                                                                               \
        return stat_at(AT_FDCWD, p, st, flags);                                                      \
    }
STAT(stat, stat, 0)
STAT(stat64, stat64, 0)
STAT(lstat, stat, AT_SYMLINK_NOFOLLOW)
STAT(lstat64, stat64, AT_SYMLINK_NOFOLLOW)
XSTAT(__xstat, 0)
XSTAT(__xstat64, 0)
XSTAT(__lxstat, AT_SYMLINK_NOFOLLOW)
XSTAT(__lxstat64, AT_SYMLINK_NOFOLLOW)

EXPORT int fstat(int fd, struct stat *st) { return stat_fd(fd, st); }
EXPORT int fstat64(int fd, struct stat64 *st) { return stat_fd(fd, (struct stat *)st); }
EXPORT int __fxstat(int v, int fd, struct stat *st);
int __fxstat(int v, int fd, struct stat *st) { return (void)v, stat_fd(fd, st); }
EXPORT int __fxstat64(int v, int fd, struct stat *st);
int __fxstat64(int v, int fd, struct stat *st) { return (void)v, stat_fd(fd, st); }
EXPORT int fstatat(int d, const char *p, struct stat *st, int f) { return stat_at(d, p, st, f); }
EXPORT int fstatat64(int d, const char *p, struct stat64 *st, int f)
{
    return stat_at(d, p, (struct stat *)st, f);
}

EXPORT int statx(int directory, const char *path, int flags, unsigned mask, struct statx *out)
{
    char room[PATH_MAX];
    struct stat st;
    const char *found = fake_path(path, room);
    int result = syscall(SYS_statx, directory, found, flags, mask, out);
    int camera = !*path ? !camera_stat(directory, &st)
                                : may_be_camera(path, found) && !stat_at(directory, path, &st, flags);
    if (!result && camera && S_ISCHR(st.st_mode)) {
        out->stx_mode = st.st_mode;
        out->stx_rdev_major = major(st.st_rdev);
        out->stx_rdev_minor = minor(st.st_rdev);
        out->stx_size = 0;
    }
    return result;
}

static int open_at(int directory, const char *path, int flags, mode_t mode)
{
    char room[PATH_MAX];
    const char *found = fake_path(path, room);
    if (found != path)
        flags &= ~(O_CREAT | O_TRUNC | O_APPEND);
    int fd = syscall(SYS_openat, directory, found, flags, mode);
    int number = fd >= 0 && found != path && !(flags & (O_DIRECTORY | O_PATH)) ? fake_number(found) : -1;
    return number < 0 ? fd : camera_open(fd, number, flags);
}

#define MODE(flags, last)                       \
    ({                                          \
        mode_t mode_ = 0;                       \
        if ((flags) & (O_CREAT | __O_TMPFILE)) { \
            va_list more_;                      \
            va_start(more_, last);              \
            mode_ = va_arg(more_, mode_t);      \
            va_end(more_);                      \
        }                                       \
        mode_;                                  \
    })
EXPORT int open(const char *p, int f, ...) { return open_at(AT_FDCWD, p, f, MODE(f, f)); }
EXPORT int open64(const char *p, int f, ...) { return open_at(AT_FDCWD, p, f, MODE(f, f)); }
EXPORT int openat(int d, const char *p, int f, ...) { return open_at(d, p, f, MODE(f, f)); }
EXPORT int openat64(int d, const char *p, int f, ...) { return open_at(d, p, f, MODE(f, f)); }
EXPORT int __open_2(const char *p, int f);
int __open_2(const char *p, int f) { return open_at(AT_FDCWD, p, f, 0); }
EXPORT int __open64_2(const char *p, int f);
int __open64_2(const char *p, int f) { return open_at(AT_FDCWD, p, f, 0); }
EXPORT int __openat_2(int d, const char *p, int f);
int __openat_2(int d, const char *p, int f) { return open_at(d, p, f, 0); }
EXPORT int __openat64_2(int d, const char *p, int f);
int __openat64_2(int d, const char *p, int f) { return open_at(d, p, f, 0); }

EXPORT FILE *fopen(const char *p, const char *how)
{
    char room[PATH_MAX];
    return NEXT(fopen)(fake_path(p, room), how);
}
EXPORT FILE *fopen64(const char *p, const char *how)
{
    char room[PATH_MAX];
    return NEXT(fopen64)(fake_path(p, room), how);
}
EXPORT int access(const char *p, int how)
{
    char room[PATH_MAX];
    return NEXT(access)(fake_path(p, room), how);
}
EXPORT int faccessat(int d, const char *p, int how, int flags)
{
    char room[PATH_MAX];
    return NEXT(faccessat)(d, fake_path(p, room), how, flags);
}

#define XATTR(name)                                                                   \
    EXPORT ssize_t name(const char *p, const char *which, void *value, size_t size)   \
    {                                                                                 \
        char room[PATH_MAX];                                                          \
        return NEXT(name)(fake_path(p, room), which, value, size);                    \
    }
XATTR(getxattr)
XATTR(lgetxattr)

/* A link that leads into the fake machine (/proc/PID/fd/N of who has the camera open) leads to /dev. */
EXPORT ssize_t readlinkat(int d, const char *p, char *to, size_t size)
{
    char room[PATH_MAX], whole[PATH_MAX];
    const char *found = fake_path(p, room);
    ssize_t length = NEXT(readlinkat)(d, found, whole, sizeof whole - 1);
    if (length < 0)
        return length;
    whole[length] = '\0';
    char *shown = is_inside(whole) ? whole + root_length : whole;
    length -= shown - whole;
    if ((size_t)length > size)
        length = size;
    memcpy(to, shown, length);
    return length;
}
EXPORT ssize_t readlink(const char *p, char *to, size_t size) { return readlinkat(AT_FDCWD, p, to, size); }

EXPORT char *realpath(const char *p, char *to)
{
    char room[PATH_MAX];
    char *real = NEXT(realpath)(fake_path(p, room), to);
    if (real && is_inside(real))
        memmove(real, real + root_length, strlen(real + root_length) + 1);
    return real;
}
EXPORT char *__realpath_chk(const char *p, char *to, size_t size);
char *__realpath_chk(const char *p, char *to, size_t size) { return (void)size, realpath(p, to); }
EXPORT char *canonicalize_file_name(const char *p) { return realpath(p, NULL); }

/* Listings of /dev and /sys/class: the real entries without real cameras, then the fake machine's. */
static struct listing { DIR *real, *fake; char path[16]; } listings[32];
static pthread_mutex_t listings_lock = PTHREAD_MUTEX_INITIALIZER;

static struct listing *listing_of(DIR *real)
{
    for (int i = 0; i < 32; i++) /* NULL: a free place */
        if (__atomic_load_n(&listings[i].real, __ATOMIC_ACQUIRE) == real)
            return &listings[i];
    return NULL;
}

EXPORT DIR *opendir(const char *path)
{
    char room[PATH_MAX], plain[PATH_MAX];
    DIR *real = NEXT(opendir)(fake_path(path, room));
    if (!real || !root_length || path[0] != '/' || !tidy(path, plain))
        return real;
    if (strcmp(plain, "/dev") && strcmp(plain, "/sys/class"))
        return real;
    char ours[PATH_MAX + 16];
    snprintf(ours, sizeof ours, "%s%.15s", fake_root, plain);
    pthread_mutex_lock(&listings_lock);
    struct listing *free = listing_of(NULL);
    if (free) {
        strcpy(free->path, plain);
        free->fake = NEXT(opendir)(ours);
        __atomic_store_n(&free->real, real, __ATOMIC_RELEASE);
    }
    pthread_mutex_unlock(&listings_lock);
    return real;
}

EXPORT struct dirent *readdir(DIR *directory)
{
    struct listing *listing = listing_of(directory);
    struct dirent *entry;
    while ((entry = NEXT(readdir)(directory)) && listing) {
        char whole[PATH_MAX];
        snprintf(whole, sizeof whole, "%s/%s", listing->path, entry->d_name);
        if (!is_camera_name(whole))
            return entry;
    }
    while (!entry && listing && listing->fake && (entry = NEXT(readdir)(listing->fake))) {
        if (entry->d_name[0] != '.') {
            if (entry->d_type == DT_REG)
                entry->d_type = DT_CHR;
            return entry;
        }
        entry = NULL;
    }
    return entry;
}
EXPORT struct dirent64 *readdir64(DIR *directory) { return (struct dirent64 *)readdir(directory); }

EXPORT int closedir(DIR *directory)
{
    struct listing *listing = listing_of(directory);
    if (listing) {
        if (listing->fake)
            NEXT(closedir)(listing->fake);
        listing->fake = NULL;
        __atomic_store_n(&listing->real, NULL, __ATOMIC_RELEASE);
    }
    return NEXT(closedir)(directory);
}
