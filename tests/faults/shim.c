/* Counts the calls by which a program makes things last, and lets the chosen one fail.
 *
 * Preloaded into the agent and its children. SHIM_ROOTS: folders, parted by colons; SHIM_STATE: a file of
 * three 64-bit numbers shared by all processes: calls so far, calls that failed, whether the fault is over;
 * SHIM_MODE: count, kill, tear, eio or enospc; SHIM_AT: the number of the call.
 *
 * kill: the process group dies before the call. tear: half of what is written is written, then it dies; a call that
 * writes nothing is done, then it dies. eio: that one call fails. enospc: that one and all that need room fail.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

struct state { uint64_t calls, failed, over; };

static struct state *state;
static const char *roots, *mode = "count";
static uint64_t at;

#define REAL(name) ((__typeof__(&name)) real(#name))

static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

__attribute__((constructor)) static void begin(void)
{
    const char *file = getenv("SHIM_STATE"), *number = getenv("SHIM_AT");
    int fd = file ? REAL(open)(file, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *map = mmap(NULL, sizeof *state, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    REAL(close)(fd);
    if (map == MAP_FAILED)
        return;
    roots = getenv("SHIM_ROOTS");
    mode = getenv("SHIM_MODE");
    at = number ? strtoull(number, NULL, 10) : 0;
    state = map;
}

static int below(const char *path)
{
    for (const char *root = roots; root && *root;) {
        size_t length = strcspn(root, ":");
        if (!strncmp(path, root, length) && (path[length] == '/' || !path[length]))
            return 1;
        root += length + (root[length] == ':');
    }
    return 0;
}

static int lasting(int folder, const char *path)
{
    char whole[PATH_MAX], link[64];
    if (!state)
        return 0;
    if (!path || *path != '/') {
        if (folder == AT_FDCWD)
            snprintf(link, sizeof link, "/proc/self/cwd");
        else
            snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
        ssize_t length = readlink(link, whole, sizeof whole - 1);
        if (length < 0)
            return 0;
        whole[length] = 0;
        if (path)
            snprintf(whole + length, sizeof whole - (size_t) length, "/%s", path);
        path = whole;
    }
    return below(path);
}

static void die(void)
{
    kill(0, SIGKILL);
    pause();
}

/* What is to become of this call: 0 nothing, 1 it fails with errno set, 2 it is torn. */
static int fate(int takes_room)
{
    uint64_t number = __atomic_add_fetch(&state->calls, 1, __ATOMIC_SEQ_CST);
    if (state->over || !at || number < at)
        return 0;
    if (!strcmp(mode, "enospc")) {
        if (!takes_room)
            return 0;
        __atomic_add_fetch(&state->failed, 1, __ATOMIC_SEQ_CST);
        errno = ENOSPC;
        return 1;
    }
    if (number > at)
        return 0;
    __atomic_add_fetch(&state->failed, 1, __ATOMIC_SEQ_CST);
    if (!strcmp(mode, "kill"))
        die();
    if (!strcmp(mode, "tear"))
        return 2;
    errno = EIO;
    return 1;
}

#define GUARD(is_lasting, takes_room, call)           \
    do {                                              \
        int what = (is_lasting) ? fate(takes_room) : 0; \
        if (what == 1)                                \
            return -1;                                \
        __auto_type result = (call);                  \
        if (what == 2)                                \
            die();                                    \
        return result;                                \
    } while (0)

#define WRITE(fd, size, whole, half)                  \
    do {                                              \
        int what = lasting(fd, NULL) ? fate(1) : 0;   \
        if (what == 1)                                \
            return -1;                                \
        if (what == 2) {                              \
            if ((size) > 1)                           \
                (void) !(half);                       \
            die();                                    \
        }                                             \
        return (whole);                               \
    } while (0)

ssize_t write(int fd, const void *data, size_t size)
{
    WRITE(fd, size, REAL(write)(fd, data, size), REAL(write)(fd, data, size / 2));
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset)
{
    WRITE(fd, size, REAL(pwrite64)(fd, data, size, offset), REAL(pwrite64)(fd, data, size / 2, offset));
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    WRITE(fd, size, REAL(pwrite64)(fd, data, size, offset), REAL(pwrite64)(fd, data, size / 2, offset));
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    WRITE(fd, count, REAL(writev)(fd, parts, count), REAL(writev)(fd, parts, count / 2));
}

ssize_t copy_file_range(int from, off64_t *in, int fd, off64_t *out, size_t size, unsigned flags)
{
    WRITE(fd, size, REAL(copy_file_range)(from, in, fd, out, size, flags),
          REAL(copy_file_range)(from, in, fd, out, size / 2, flags));
}

ssize_t sendfile64(int fd, int from, off64_t *offset, size_t size)
{
    extern ssize_t sendfile64(int, int, off64_t *, size_t);
    WRITE(fd, size, REAL(sendfile64)(fd, from, offset, size), REAL(sendfile64)(fd, from, offset, size / 2));
}

int fsync(int fd) { GUARD(lasting(fd, NULL), 0, REAL(fsync)(fd)); }
int fdatasync(int fd) { GUARD(lasting(fd, NULL), 0, REAL(fdatasync)(fd)); }
int ftruncate64(int fd, off64_t size) { GUARD(lasting(fd, NULL), 0, REAL(ftruncate64)(fd, size)); }
int ftruncate(int fd, off_t size) { GUARD(lasting(fd, NULL), 0, REAL(ftruncate64)(fd, size)); }
int posix_fallocate64(int fd, off64_t from, off64_t size)
{
    if (lasting(fd, NULL) && fate(1) == 1)
        return errno;
    return REAL(posix_fallocate64)(fd, from, size);
}

int rename(const char *from, const char *to)
{
    GUARD(lasting(AT_FDCWD, from) || lasting(AT_FDCWD, to), 1, REAL(rename)(from, to));
}

int renameat(int in, const char *from, int out, const char *to)
{
    GUARD(lasting(in, from) || lasting(out, to), 1, REAL(renameat)(in, from, out, to));
}

int unlink(const char *path) { GUARD(lasting(AT_FDCWD, path), 0, REAL(unlink)(path)); }
int unlinkat(int in, const char *path, int flags) { GUARD(lasting(in, path), 0, REAL(unlinkat)(in, path, flags)); }
int rmdir(const char *path) { GUARD(lasting(AT_FDCWD, path), 0, REAL(rmdir)(path)); }
int mkdir(const char *path, mode_t rights) { GUARD(lasting(AT_FDCWD, path), 1, REAL(mkdir)(path, rights)); }
int mkdirat(int in, const char *path, mode_t rights) { GUARD(lasting(in, path), 1, REAL(mkdirat)(in, path, rights)); }
int link(const char *from, const char *to) { GUARD(lasting(AT_FDCWD, to), 1, REAL(link)(from, to)); }

static int makes(int in, const char *path, int flags)
{
    if (!(flags & (O_CREAT | O_TRUNC)) || !lasting(in, path))
        return 0;
    return (flags & O_TRUNC) || faccessat(in, path, F_OK, 0);
}

#define RIGHTS(flags, rights)                         \
    mode_t rights = 0;                                \
    if ((flags) & (O_CREAT | O_TMPFILE)) {            \
        va_list more;                                 \
        va_start(more, flags);                        \
        rights = va_arg(more, mode_t);                \
        va_end(more);                                 \
    }

int open(const char *path, int flags, ...)
{
    RIGHTS(flags, rights)
    GUARD(makes(AT_FDCWD, path, flags), 1, REAL(open)(path, flags, rights));
}

int open64(const char *path, int flags, ...)
{
    RIGHTS(flags, rights)
    GUARD(makes(AT_FDCWD, path, flags), 1, REAL(open64)(path, flags, rights));
}

int openat(int in, const char *path, int flags, ...)
{
    RIGHTS(flags, rights)
    GUARD(makes(in, path, flags), 1, REAL(openat)(in, path, flags, rights));
}

int openat64(int in, const char *path, int flags, ...)
{
    RIGHTS(flags, rights)
    GUARD(makes(in, path, flags), 1, REAL(openat64)(in, path, flags, rights));
}
