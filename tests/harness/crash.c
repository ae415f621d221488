/* Preloaded into a program under test: at the k-th call of something the process dies, freezes or hangs, or the call is
 * cut short, interrupted or refused.
 *
 *     CRASH="SIDE CALL PEER K DEED"    before rd_kafka_commit_queue any 3 die; after any mongo %7 die
 *     CRASH_PEERS="kafka=19092 ..."    names for ports
 *     CRASH_LOG=FILE                   a line for every hit
 *     CRASH_STORM_US=500               a signal that nobody waits for, so often
 *
 * CALL is a name, or "any" for all that send and receive; PEER a name of CRASH_PEERS, "client", "unix", "file", or "any"
 * for all sockets; of MongoDB's writes the collection. K counts the calls that fit; %K = each K-th. Library threads make
 * their own calls, so K finds another place in every run: what was hit stands in the log.
 * DEED "count" logs at the end how many calls there were.
 *
 * A thread that is made counts as "thread". Allocations count as "malloc" where the program's own code asks for
 * them, not its libraries. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <librdkafka/rdkafka.h>
#include <link.h>
#include <mongoc/mongoc.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <threads.h>
#include <unistd.h>

enum deed {
    DEED_NONE,
    DEED_COUNT,
    DEED_DIE,
    DEED_STOP,
    DEED_HANG,
    DEED_SHORT,
    DEED_INTERRUPT,
    DEED_FAIL
};

/* The functions below are called as the library's: there is no other way to them than a global. */
static struct {
    bool after, each;
    char call[48], peer[32], peers[256];
    long k;
    enum deed deed;
    int log_fd;
    atomic_long n;
    uintptr_t text, text_end; /* of the program itself */
} plan = {.log_fd = -1};

#define REAL(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

/* --- the plan ------------------------------------------------------------------------------------------ */

static bool is_any(const char *word)
{
    return strcmp(word, "any") == 0;
}

static enum deed deed_of(const char *word)
{
    static const char *const words[] = {"none", "count", "die",       "stop",
                                        "hang", "short", "interrupt", "fail"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(word, words[i]) == 0) return (enum deed)i;
    abort();
}

static void read_plan(const char *text)
{
    char side[8], k[16], deed[16];
    if (sscanf(text, "%7s %47s %31s %15s %15s", side, plan.call, plan.peer, k, deed) != 5) abort();
    plan.after = strcmp(side, "after") == 0;
    plan.each = k[0] == '%';
    plan.k = atol(k + plan.each);
    if (plan.k < 1) abort();
    plan.deed = deed_of(deed);
}

static int find_program(struct dl_phdr_info *info, size_t size, void *unused)
{
    (void)size;
    (void)unused;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type != PT_LOAD || !(part->p_flags & PF_X)) continue;
        plan.text = info->dlpi_addr + part->p_vaddr;
        plan.text_end = plan.text + part->p_memsz;
    }
    return 1; /* the program is the first of all */
}

static void wake(int signal_n)
{
    (void)signal_n;
}

static void start_storm(long us)
{
    struct sigaction action = {.sa_handler = wake}; /* without SA_RESTART */
    struct itimerval often = {{0, us}, {0, us}};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
}

__attribute__((constructor)) static void start(void)
{
    const char *text = getenv("CRASH"), *log = getenv("CRASH_LOG"), *peers = getenv("CRASH_PEERS");
    const char *storm_us = getenv("CRASH_STORM_US");
    if (log) plan.log_fd = open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (peers) snprintf(plan.peers, sizeof plan.peers, "%s", peers);
    dl_iterate_phdr(find_program, NULL);
    unsetenv("LD_PRELOAD"); /* the plan is for this program, not for those that it starts */
    if (storm_us) start_storm(atol(storm_us));
    if (text) read_plan(text);
}

/* --- deeds --------------------------------------------------------------------------------------------- */

static void note(const char *call, const char *peer, long n)
{
    char line[256];
    int len = snprintf(line, sizeof line, "%s %d %s %s %s %ld\n", program_invocation_short_name,
                       getpid(), plan.after ? "after" : "before", call, *peer ? peer : "-", n);
    syscall(SYS_write, plan.log_fd, line, (size_t)len);
}

__attribute__((destructor)) static void stop(void)
{
    if (plan.deed == DEED_COUNT) note(plan.call, plan.peer, atomic_load(&plan.n));
}

static void hang(void)
{
    for (;;) pause();
}

/* A call that fits the plan: if it is its turn, the deed is done, or handed to the caller to do. */
static enum deed meet(const char *call, const char *peer)
{
    long n = atomic_fetch_add(&plan.n, 1) + 1;
    if (plan.deed == DEED_COUNT) return DEED_NONE;
    if (plan.each ? n % plan.k != 0 : n != plan.k) return DEED_NONE;
    int error = errno;
    note(call, peer, n);
    if (plan.deed == DEED_DIE) kill(getpid(), SIGKILL);
    if (plan.deed == DEED_STOP) syscall(SYS_tgkill, getpid(), gettid(), SIGSTOP);
    if (plan.deed == DEED_HANG || plan.deed == DEED_DIE) hang();
    errno = error;
    return plan.deed;
}

/* A named function of a library. */
static enum deed point(const char *call, const char *peer, bool after)
{
    bool fits = plan.deed && plan.after == after && strcmp(plan.call, call) == 0;
    return fits && (is_any(plan.peer) || strcmp(plan.peer, peer) == 0) ? meet(call, peer)
                                                                       : DEED_NONE;
}

/* --- calls that send and receive ------------------------------------------------------------------------- */

static void name_of_port(int port, char *ret_name)
{
    char peers[sizeof plan.peers], *rest = peers, *word;
    strcpy(peers, plan.peers);
    strcpy(ret_name, "client");
    while ((word = strsep(&rest, " "))) {
        char *value = strchr(word, '=');
        if (value && atoi(value + 1) == port)
            snprintf(ret_name, sizeof plan.peer, "%.*s", (int)(value - word), word);
    }
}

/* Writes who is at the other end; false: nothing that can be cut short. */
static bool name_peer(int fd, char *ret_name)
{
    struct stat about;
    struct sockaddr_storage peer;
    socklen_t len = sizeof peer;
    if (fstat(fd, &about) != 0) return false;
    if (S_ISREG(about.st_mode) || S_ISFIFO(about.st_mode)) return strcpy(ret_name, "file"), true;
    if (!S_ISSOCK(about.st_mode)) return false;
    strcpy(ret_name, "unix");
    if (getpeername(fd, (struct sockaddr *)&peer, &len) == 0 && peer.ss_family == AF_INET)
        name_of_port(ntohs(((struct sockaddr_in *)&peer)->sin_port), ret_name);
    return true;
}

static enum deed pass(const char *call, int fd, bool after)
{
    char peer[sizeof plan.peer];
    int error = errno;
    if (!plan.deed || plan.after != after || !(is_any(plan.call) || strcmp(plan.call, call) == 0))
        return DEED_NONE;
    bool fits = name_peer(fd, peer) &&
                (is_any(plan.peer) ? strcmp(peer, "file") != 0 : strcmp(plan.peer, peer) == 0);
    errno = error;
    return fits ? meet(call, peer) : DEED_NONE;
}

static bool is_stream(int fd)
{
    int type = SOCK_STREAM;
    socklen_t len = sizeof type;
    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len);
    return type == SOCK_STREAM;
}

/* False: the call is interrupted. A short one moves a single byte. */
static bool begin(const char *call, int fd, size_t *len)
{
    enum deed deed = pass(call, fd, false);
    if (deed == DEED_SHORT && *len > 1 && is_stream(fd)) *len = 1;
    if (deed != DEED_INTERRUPT) return true;
    errno = EINTR;
    return false;
}

static ssize_t end(const char *call, int fd, ssize_t result)
{
    pass(call, fd, true);
    return result;
}

ssize_t read(int fd, void *bytes, size_t len)
{
    if (!begin("read", fd, &len)) return -1;
    return end("read", fd, REAL(read)(fd, bytes, len));
}

ssize_t __read_chk(int fd, void *bytes, size_t len, size_t size);
ssize_t __read_chk(int fd, void *bytes, size_t len, size_t size)
{
    (void)size;
    return read(fd, bytes, len);
}

ssize_t write(int fd, const void *bytes, size_t len)
{
    if (!begin("write", fd, &len)) return -1;
    return end("write", fd, REAL(write)(fd, bytes, len));
}

ssize_t recv(int fd, void *bytes, size_t len, int flags)
{
    if (!begin("recv", fd, &len)) return -1;
    return end("recv", fd, REAL(recv)(fd, bytes, len, flags));
}

ssize_t send(int fd, const void *bytes, size_t len, int flags)
{
    if (!begin("send", fd, &len)) return -1;
    return end("send", fd, REAL(send)(fd, bytes, len, flags));
}

/* --- of several pieces: a short one moves the first byte of the first piece that has any ------------------- */

static size_t bytes_of(const struct iovec *pieces, size_t n)
{
    size_t sum = 0;
    for (size_t i = 0; i < n; i++) sum += pieces[i].iov_len;
    return sum;
}

static struct msghdr cut(const struct msghdr *message, size_t len, struct iovec *ret_piece)
{
    struct msghdr copy = *message;
    if (len == bytes_of(message->msg_iov, message->msg_iovlen)) return copy;
    size_t i = 0;
    while (!message->msg_iov[i].iov_len) i++;
    *ret_piece = (struct iovec){message->msg_iov[i].iov_base, len};
    copy.msg_iov = ret_piece;
    copy.msg_iovlen = 1;
    return copy;
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    struct iovec piece;
    size_t len = bytes_of(message->msg_iov, message->msg_iovlen);
    if (!begin("recvmsg", fd, &len)) return -1;
    struct msghdr shorter = cut(message, len, &piece);
    ssize_t got = REAL(recvmsg)(fd, &shorter, flags);
    message->msg_namelen = shorter.msg_namelen;
    message->msg_controllen = shorter.msg_controllen;
    message->msg_flags = shorter.msg_flags;
    return end("recvmsg", fd, got);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    struct iovec piece;
    size_t len = bytes_of(message->msg_iov, message->msg_iovlen);
    if (!begin("sendmsg", fd, &len)) return -1;
    struct msghdr shorter = cut(message, len, &piece);
    return end("sendmsg", fd, REAL(sendmsg)(fd, &shorter, flags));
}

/* --- threads, by either of the two ways -------------------------------------------------------------------- */

int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *with)
{
    if (point("thread", "", false) == DEED_FAIL) return EAGAIN;
    return REAL(pthread_create)(thread, attr, run, with);
}

int thrd_create(thrd_t *thread, thrd_start_t run, void *with)
{
    if (point("thread", "", false) == DEED_FAIL) return thrd_nomem;
    return REAL(thrd_create)(thread, run, with);
}

/* --- named functions ----------------------------------------------------------------------------------- */

rd_kafka_resp_err_t rd_kafka_commit_queue(
    rd_kafka_t *rk, const rd_kafka_topic_partition_list_t *offsets, rd_kafka_queue_t *queue,
    void (*done)(rd_kafka_t *, rd_kafka_resp_err_t, rd_kafka_topic_partition_list_t *, void *),
    void *opaque)
{
    point("rd_kafka_commit_queue", "", false);
    rd_kafka_resp_err_t code = REAL(rd_kafka_commit_queue)(rk, offsets, queue, done, opaque);
    point("rd_kafka_commit_queue", "", true);
    return code;
}

rd_kafka_error_t *rd_kafka_begin_transaction(rd_kafka_t *rk)
{
    point("rd_kafka_begin_transaction", "", false);
    rd_kafka_error_t *error = REAL(rd_kafka_begin_transaction)(rk);
    point("rd_kafka_begin_transaction", "", true);
    return error;
}

rd_kafka_error_t *
rd_kafka_send_offsets_to_transaction(rd_kafka_t *rk, const rd_kafka_topic_partition_list_t *offsets,
                                     const rd_kafka_consumer_group_metadata_t *member, int ms)
{
    point("rd_kafka_send_offsets_to_transaction", "", false);
    rd_kafka_error_t *error = REAL(rd_kafka_send_offsets_to_transaction)(rk, offsets, member, ms);
    point("rd_kafka_send_offsets_to_transaction", "", true);
    return error;
}

rd_kafka_error_t *rd_kafka_commit_transaction(rd_kafka_t *rk, int ms)
{
    point("rd_kafka_commit_transaction", "", false);
    rd_kafka_error_t *error = REAL(rd_kafka_commit_transaction)(rk, ms);
    point("rd_kafka_commit_transaction", "", true);
    return error;
}

rd_kafka_message_t *rd_kafka_consumer_poll(rd_kafka_t *rk, int ms)
{
    point("rd_kafka_consumer_poll", "", false);
    return REAL(rd_kafka_consumer_poll)(rk, ms);
}

bool mongoc_collection_write_command_with_opts(mongoc_collection_t *collection,
                                               const bson_t *command, const bson_t *opts,
                                               bson_t *reply, bson_error_t *error)
{
    const char *name = REAL(mongoc_collection_get_name)(collection);
    point("mongoc_collection_write_command_with_opts", name, false);
    bool good =
        REAL(mongoc_collection_write_command_with_opts)(collection, command, opts, reply, error);
    point("mongoc_collection_write_command_with_opts", name, true);
    return good;
}

int redisGetReply(redisContext *context, void **reply)
{
    point("redisGetReply", "", false);
    int status = REAL(redisGetReply)(context, reply);
    point("redisGetReply", "", true);
    return status;
}

/* --- memory: dlsym asks for some itself, so these go to glibc by name -------------------------------------- */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t size);

#define OWN_CALL() own_call((uintptr_t)__builtin_return_address(0))

static bool own_call(uintptr_t from)
{
    bool own = from >= plan.text && from < plan.text_end;
    return own && point("malloc", "", false) == DEED_FAIL;
}

static void *none(void)
{
    errno = ENOMEM;
    return NULL;
}

void *malloc(size_t size)
{
    return OWN_CALL() ? none() : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    return OWN_CALL() ? none() : __libc_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
    return OWN_CALL() ? none() : __libc_realloc(old, size);
}

void *reallocarray(void *old, size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes)) return none();
    return OWN_CALL() ? none() : __libc_realloc(old, bytes);
}

int __vasprintf_chk(char **text, int flag, const char *format, va_list args);
int __vasprintf_chk(char **text, int flag, const char *format, va_list args)
{
    if (OWN_CALL()) return -1;
    return REAL(__vasprintf_chk)(text, flag, format, args);
}
