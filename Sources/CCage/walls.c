#define _GNU_SOURCE
#include "CCage.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define OWN_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OWN_ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

// MARK: Limits

static int limit(__rlimit_resource_t resource, rlim_t value) {
    // A shell may have set a lower one, which cannot be raised.
    struct rlimit both;
    if (getrlimit(resource, &both) == 0 && both.rlim_max < value) value = both.rlim_max;
    both = (struct rlimit){value, value};
    return setrlimit(resource, &both) == 0 ? 0 : errno;
}

static int forbid(int option, unsigned long value) { return prctl(option, value, 0, 0, 0) == 0 ? 0 : errno; }

int cage_limit(uint64_t memory_bytes, uint32_t cpu_seconds) {
    // One heap: each thread's own would take 64 MiB of addresses. Stacks of a size that no setting of a shell changes.
    mallopt(M_ARENA_MAX, 1);
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) == 0) {
        if (pthread_attr_setstacksize(&attributes, 2 << 20) == 0) pthread_setattr_default_np(&attributes);
        pthread_attr_destroy(&attributes);
    }
    // A crash is told by its signal: handlers of this program would only make forbidden calls.
    static const int crashes[] = {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGQUIT, SIGSEGV, SIGTRAP};
    for (size_t index = 0; index < sizeof crashes / sizeof *crashes; index++) signal(crashes[index], SIG_DFL);
    int failure = limit(RLIMIT_CORE, 0);
    if (!failure) failure = limit(RLIMIT_NOFILE, 16);
    if (!failure) failure = limit(RLIMIT_CPU, cpu_seconds);
    if (!failure) failure = limit(RLIMIT_AS, memory_bytes);
    if (!failure) failure = forbid(PR_SET_NO_NEW_PRIVS, 1);
    if (!failure) failure = forbid(PR_SET_DUMPABLE, 0);
    if (!failure) failure = forbid(PR_SET_PDEATHSIG, SIGKILL);
    // Who has died before that reads no report any more.
    struct pollfd reader = {.fd = cage_report, .events = POLLOUT};
    if (poll(&reader, 1, 0) > 0 && reader.revents & POLLERR) _exit(1);
    return failure;
}

// MARK: The filter

#ifdef OWN_ARCHITECTURE

// Carried out whatever their arguments are: memory, descriptors that are open already, time, threads, the end.
static const unsigned allowed[] = {
    __NR_read, __NR_pread64, __NR_write, __NR_writev, __NR_lseek, __NR_fstat, __NR_close, __NR_munmap, __NR_mremap,
    __NR_brk, __NR_madvise, __NR_futex, __NR_clock_gettime, __NR_sched_getaffinity, __NR_sched_yield, __NR_getrandom,
    __NR_rt_sigprocmask, __NR_rt_sigreturn, __NR_restart_syscall, __NR_set_robust_list, __NR_getpid, __NR_gettid,
#ifdef __NR_rseq
    __NR_rseq,
#endif
    __NR_exit, __NR_exit_group,
};

// What pthread_create of glibc asks of clone, and no more: no process, no namespace.
static const unsigned thread_flags = 0x3D0F00;

enum { program_limit = 192 };

static struct sock_filter program[program_limit];
static unsigned short program_count;

static void add(unsigned short code, unsigned value, unsigned char if_true, unsigned char if_false) {
    program[program_count++] = (struct sock_filter){code, if_true, if_false, value};
}

static void answer(unsigned action) { add(BPF_RET | BPF_K, action, 0, 0); }
static void load(unsigned offset) { add(BPF_LD | BPF_W | BPF_ABS, offset, 0, 0); }

// The half of an argument that the kernel looks at in the calls below; every machine that this is built for has it first.
static unsigned lower(int argument) { return (unsigned)offsetof(struct seccomp_data, args) + 8 * (unsigned)argument; }

// One call whose answer does not depend on its arguments.
static void rule(unsigned call, unsigned action) {
    add(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1);
    answer(action);
}

// mmap and mprotect: no page that can be executed.
static void rule_without_code(unsigned call) {
    add(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 4);
    load(lower(2));
    add(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1);
    answer(SECCOMP_RET_TRAP);
    answer(SECCOMP_RET_ALLOW);
}

// A call that is carried out if one argument has one value.
static void rule_with(unsigned call, int argument, unsigned value) {
    add(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 4);
    load(lower(argument));
    add(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
    answer(SECCOMP_RET_ALLOW);
    answer(SECCOMP_RET_TRAP);
}

// tgkill: abort() may end this process, and nobody else.
static void rule_abort(void) {
    add(BPF_JMP | BPF_JEQ | BPF_K, __NR_tgkill, 0, 6);
    load(lower(0));
    add(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)getpid(), 0, 3);
    load(lower(2));
    add(BPF_JMP | BPF_JEQ | BPF_K, SIGABRT, 0, 1);
    answer(SECCOMP_RET_ALLOW);
    answer(SECCOMP_RET_TRAP);
}

static void write_program(void) {
    program_count = 0;
    load(offsetof(struct seccomp_data, arch));
    add(BPF_JMP | BPF_JEQ | BPF_K, OWN_ARCHITECTURE, 1, 0);
    answer(SECCOMP_RET_KILL_PROCESS);
    load(offsetof(struct seccomp_data, nr));
    for (size_t index = 0; index < sizeof allowed / sizeof *allowed; index++) rule(allowed[index], SECCOMP_RET_ALLOW);
    rule_without_code(__NR_mmap);
    rule_without_code(__NR_mprotect);
    rule_with(__NR_clone, 0, thread_flags);
    rule_with(__NR_prctl, 0, PR_SET_NAME);
    rule_abort();
    // Its flags lie in memory, where no filter can look; glibc then uses clone.
    rule(435 /* clone3 */, SECCOMP_RET_ERRNO | ENOSYS);
    // glibc asks for the size of a buffer by it, and does without.
    rule(__NR_newfstatat, SECCOMP_RET_ERRNO | ENOSYS);
    answer(SECCOMP_RET_TRAP);
}

// A failure of the report, as CageReport has it: kind, length, reason, number.
static void on_forbidden_call(int signal, siginfo_t *information, void *context) {
    (void)signal;
    (void)context;
    const unsigned call = (unsigned)information->si_syscall;
    const unsigned char message[] = {
        'F', 5, 0, 0, 0, cage_forbidden_call, call & 0xFF, call >> 8 & 0xFF, call >> 16 & 0xFF, call >> 24,
    };
    ssize_t written = write(cage_report, message, sizeof message);
    (void)written;
    _exit(1);
}

static void *nothing(void *argument) { return argument; }

// glibc sets up the signals of threads with the first of them: in here nobody sets up a signal any more.
static int start_first_thread(void) {
    pthread_t thread;
    const int failure = pthread_create(&thread, NULL, nothing, NULL);
    return failure ? failure : pthread_join(thread, NULL);
}

int cage_shut(void) {
    const int failure = start_first_thread();
    if (failure) return failure;
    struct sigaction action = {.sa_sigaction = on_forbidden_call, .sa_flags = SA_SIGINFO};
    sigfillset(&action.sa_mask);
    if (sigaction(SIGSYS, &action, NULL) != 0) return errno;
    write_program();
    const struct sock_fprog filter = {program_count, program};
    // For threads that a library may have made, too; a positive answer names one that could not be shut in.
    const long answer = syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter);
    return answer == 0 ? 0 : answer < 0 ? errno : EBUSY;
}

#else

int cage_shut(void) { return ENOSYS; }

#endif
