/* Preloaded into a program under test: the clock of the day as CLOCK_FILE says, while the program runs. The monotonic
 * clock stays as it is.
 *
 *     CLOCK_FILE=FILE    three doubles: it is OFFSET_S seconds more than the real one was at FROM_S, and goes at SPEED
 *                        since then
 *
 * A wait until a time of that clock ends when that clock says so, as the kernel has it: after a jump back it lasts longer.
 * libfaketime knows nothing of cnd_timedwait(), on which librdkafka waits. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

enum { SLICE_NS = 20 * 1000 * 1000 };

struct setting {
    volatile double offset_s, from_s, speed;
};

static const struct setting *setting;

__attribute__((constructor)) static void open_setting(void)
{
    const char *path = getenv("CLOCK_FILE");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) abort();
    void *at = mmap(NULL, sizeof *setting, PROT_READ, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED) abort();
    setting = at;
    close(fd);
}

static struct timespec real(clockid_t clock)
{
    struct timespec now;
    syscall(SYS_clock_gettime, clock, &now);
    return now;
}

static struct timespec of_seconds(struct timespec base, double more_s)
{
    long long ns = base.tv_nsec + (long long)(more_s * 1e9);
    long long s = ns / 1000000000, rest = ns % 1000000000;
    if (rest < 0) s--, rest += 1000000000;
    return (struct timespec){base.tv_sec + (time_t)s, (long)rest};
}

static struct timespec shown(void)
{
    struct timespec now = real(CLOCK_REALTIME);
    if (!setting) return now; /* before the constructor */
    double since_s = (double)now.tv_sec + (double)now.tv_nsec / 1e9 - setting->from_s;
    return of_seconds(now, setting->offset_s + since_s * (setting->speed - 1));
}

int clock_gettime(clockid_t clock, struct timespec *ret)
{
    if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)
        return (int)syscall(SYS_clock_gettime, clock, ret);
    *ret = shown();
    return 0;
}

int gettimeofday(struct timeval *restrict ret, void *restrict zone)
{
    (void)zone;
    struct timespec now = shown();
    *ret = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *ret)
{
    time_t now = shown().tv_sec;
    if (ret) *ret = now;
    return now;
}

int timespec_get(struct timespec *ret, int base)
{
    *ret = shown();
    return base;
}

static int reached(const struct timespec *until)
{
    struct timespec now = shown();
    return now.tv_sec > until->tv_sec ||
           (now.tv_sec == until->tv_sec && now.tv_nsec >= until->tv_nsec);
}

/* In slices, for the clock may jump meanwhile; the end of one looks like a wake-up by mistake, which waiters allow for. */
int cnd_timedwait(cnd_t *restrict condition, mtx_t *restrict mutex,
                  const struct timespec *restrict until)
{
    if (reached(until)) return thrd_timedout;
    struct timespec end = of_seconds(real(CLOCK_MONOTONIC), SLICE_NS / 1e9);
    int status = pthread_cond_clockwait((pthread_cond_t *)(void *)condition,
                                        (pthread_mutex_t *)(void *)mutex, CLOCK_MONOTONIC, &end);
    return status == 0 || status == ETIMEDOUT ? thrd_success : thrd_error;
}
