// Calls of Linux that the Glibc module leaves out because they stand behind _GNU_SOURCE.

int syncfs(int descriptor);
int renameat2(int old_folder, const char *old_path, int new_folder, const char *new_path, unsigned int flags);

// Reads what is in memory already and nothing else: how many bytes, or -1, with EAGAIN where a disk would have to be
// waited for. struct iovec is spelled out, since its header belongs to the Glibc module.
struct iovec;
long preadv2(int descriptor, const struct iovec *vectors, int count, long offset, int flags);

static inline long clinux_read_resident(int descriptor, void *bytes, unsigned long count, long offset) {
    struct { void *start; unsigned long count; } vector = {bytes, count};
    return preadv2(descriptor, (const struct iovec *)&vector, 1, offset, 0x00000008 /* RWF_NOWAIT */);
}

// O_DIRECT stands there too. Its value differs between processors; <fcntl.h> belongs to the Glibc module.
#if defined(__aarch64__) || defined(__arm__)
static inline int clinux_direct_flag(void) { return 0200000; }
#else
static inline int clinux_direct_flag(void) { return 040000; }
#endif

// prctl takes variable arguments, which Swift cannot call.
#include <sys/prctl.h>

/// No core dump of this process, and no other process of the same user may look into its memory; 0 if that worked.
static inline int clinux_forbid_dumps(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

/// The size of the terminal that a descriptor leads to; zeros if it is none, or does not tell: TIOCGWINSZ of
/// ioctl_tty(2). The structure is that of the call, whose header belongs to the Glibc module.
int ioctl(int descriptor, unsigned long request, ...);

struct clinux_size { unsigned short rows, columns, width, height; };

static inline struct clinux_size clinux_terminal_size(int descriptor) {
    struct clinux_size size = {0, 0, 0, 0}, none = size;
    return ioctl(descriptor, 0x5413, &size) == 0 ? size : none;
}

/// Begins to write, or waits for, dirty pages of a range of a file: sync_file_range(2).
int sync_file_range(int descriptor, long offset, long count, unsigned int flags);

/// Accepts a connection, closed on exec: accept4(2). The address has room for any kind.
struct sockaddr;
int accept4(int descriptor, struct sockaddr *address, unsigned int *count, int flags);

struct clinux_peer { int descriptor; unsigned int count; unsigned char address[128]; };

static inline struct clinux_peer clinux_accept(int descriptor) {
    struct clinux_peer peer = {-1, sizeof peer.address, {0}};
    peer.descriptor = accept4(descriptor, (struct sockaddr *)peer.address, &peer.count, 02000000 /* SOCK_CLOEXEC */);
    return peer;
}

/// Sends a part of a file to a socket: sendfile(2). How many bytes, or -1.
long sendfile(int socket, int file, long *offset, unsigned long count);

static inline long clinux_send_file(int socket, int file, long offset, unsigned long count) {
    return sendfile(socket, file, &offset, count);
}
