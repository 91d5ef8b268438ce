/* Preloaded into a server: the system calls that ODDFS names fail, as on file systems that lack them.
 *
 * ODDFS="flock=37 link=1 syncdir=22 fsync=5": the call, and the errno that it gives. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* The errno that ODDFS gives for a call, set; 0: it is to be made. */
static int refused(const char *call)
{
    const char *said = getenv("ODDFS");
    size_t length = strlen(call);

    while (said != NULL && *said != '\0') {
        if (strncmp(said, call, length) == 0 && said[length] == '=') {
            errno = atoi(said + length + 1);
            return errno;
        }
        said = strchr(said, ' ');
        if (said != NULL)
            said++;
    }
    return 0;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int flock(int fd, int operation)
{
    return refused("flock") ? -1 : REAL(flock)(fd, operation);
}

int link(const char *from, const char *to)
{
    return refused("link") ? -1 : REAL(link)(from, to);
}

int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
    return refused("link") ? -1 : REAL(linkat)(from_dir, from, to_dir, to, flags);
}

int fsync(int fd)
{
    struct stat found;

    if (fstat(fd, &found) == 0 && refused(S_ISDIR(found.st_mode) ? "syncdir" : "fsync"))
        return -1;
    return REAL(fsync)(fd);
}
