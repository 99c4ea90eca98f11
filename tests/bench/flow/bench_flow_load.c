/* The load of the state-machine benchmarks: starts executions over kept connections from one process with one epoll,
 * so that the client is not what is measured. Speaks to any server of the Step Functions API.
 *
 *   bench_flow_load --port P --machine ARN --count N [--window W] [--links L]
 *                   [--sync | --open] [--probe ARN] [--input JSON]
 *
 * --window  executions open at a time (1,000). Whether they have ended is asked of every STRIDEth, as they end nearly
 * in the order of their starts; at the end, of the list of all
 * --links   connections (64)
 * --sync    StartSyncExecution: an answer is an execution that has ended
 * --open    starts alone: the executions stay open
 * --rate    so many starts a second at most, evenly; 0: as many as are answered
 * --probe   a second machine, of which one execution at a time is started and awaited while the load runs
 *
 * Prints one JSON object: executions, refused, seconds, the answers' and the probe's median and 99th percentile. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_LINKS = 1024, POLL_MS = 2, STRIDE = 25, REQUEST_ROOM = 8192 };

static const char SIGNATURE[] =
    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/states/aws4_request, "
    "SignedHeaders=host, Signature=00";

/* What the request under way on a connection is for. */
enum purpose { PURPOSE_NONE, PURPOSE_START, PURPOSE_END, PURPOSE_LIST, PURPOSE_PROBE_START, PURPOSE_PROBE_WAIT };

struct link {
    int fd;
    enum purpose purpose;
    char out[REQUEST_ROOM];
    size_t out_size, out_at;
    char *in;
    size_t in_size, in_room;
    int64_t sent_ns;
};

struct times {
    double *ms;
    size_t count, room;
};

static struct {
    uint16_t port;
    const char *machine, *probe, *input;
    long count, window, rate;
    int links;
    bool sync, open;
} settings = {.count = 10000, .window = 1000, .links = 64, .input = "{}"};

static struct link load_links[MAX_LINKS], poll_link = {.fd = -1}, probe_link = {.fd = -1};
static int loop;
static long started, answered, refused, ended;
static bool all_ended; /* the list has said so */
static struct times start_times, probe_times;
static int64_t began_ns, probe_began_ns;
static char probe_execution[512];
static char first_refusal[512];

static int64_t now_ns(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * INT64_C(1000000000) + at.tv_nsec;
}

static void die(const char *what) {
    fprintf(stderr, "bench_flow_load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void times_add(struct times *times, int64_t since_ns) {
    if (times->count == times->room) {
        times->room = times->room ? times->room * 2 : 1024;
        times->ms = realloc(times->ms, times->room * sizeof(*times->ms));
        if (!times->ms)
            die("memory");
    }
    times->ms[times->count++] = (double)(now_ns() - since_ns) / 1e6;
}

static int by_value(const void *a, const void *b) {
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

static double times_at(struct times *times, double part) {
    if (!times->count)
        return 0;
    qsort(times->ms, times->count, sizeof(*times->ms), by_value);
    return times->ms[(size_t)((double)(times->count - 1) * part)];
}

static void link_watch(struct link *link, uint32_t events, int operation) {
    struct epoll_event event = {.events = events, .data.ptr = link};
    if (epoll_ctl(loop, operation, link->fd, &event) != 0)
        die("epoll");
}

static void link_open(struct link *link) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(settings.port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    link->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (link->fd < 0 || connect(link->fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        die("connect");
    int on = 1;
    setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    link_watch(link, EPOLLIN, EPOLL_CTL_ADD);
}

/* Requests are small and the socket's buffer is not, so a request goes out whole. */
static void link_send(struct link *link, enum purpose purpose) {
    link->purpose = purpose;
    link->sent_ns = now_ns();
    link->in_size = 0;
    link->out_at = 0;
    while (link->out_at < link->out_size) {
        ssize_t sent = send(link->fd, link->out + link->out_at, link->out_size - link->out_at, MSG_NOSIGNAL);
        if (sent < 0)
            die("send");
        link->out_at += (size_t)sent;
    }
}

static void link_call(struct link *link, enum purpose purpose, const char *operation, const char *body) {
    int size = snprintf(link->out, sizeof(link->out),
                        "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-amz-json-1.0\r\n"
                        "X-Amz-Target: AWSStepFunctions.%s\r\nX-Amz-Date: 20260101T000000Z\r\nAuthorization: %s\r\n"
                        "Content-Length: %zu\r\n\r\n%s",
                        operation, SIGNATURE, strlen(body), body);
    if (size < 0 || (size_t)size >= sizeof(link->out))
        die("a request is too long");
    link->out_size = (size_t)size;
    link_send(link, purpose);
}

/* The value of a header of the answer, in `in`; NULL when there is none. */
static const char *header_of(const struct link *link, const char *name) {
    const char *found = strcasestr(link->in, name);
    const char *end = strstr(link->in, "\r\n\r\n");
    return found && end && found < end ? found + strlen(name) : NULL;
}

/* True when `in` holds a whole answer; *body is where its body begins. */
static bool answer_whole(const struct link *link, const char **body) {
    const char *end = strstr(link->in, "\r\n\r\n");
    if (!end)
        return false;
    *body = end + 4;
    const char *length = header_of(link, "\r\nContent-Length:");
    if (length)
        return link->in_size >= (size_t)(*body - link->in) + strtoul(length, NULL, 10);
    return link->in_size >= 5 && strcmp(link->in + link->in_size - 5, "0\r\n\r\n") == 0;
}

static void execution_of(const char *body, char *out, size_t room) {
    const char *from = strstr(body, "\"executionArn\"");
    from = from ? strchr(from + strlen("\"executionArn\""), '"') : NULL;
    const char *to = from ? strchr(from + 1, '"') : NULL;
    if (to && (size_t)(to - from) < room)
        snprintf(out, room, "%.*s", (int)(to - from - 1), from + 1);
}

static void start_next(struct link *link) {
    link->purpose = PURPOSE_NONE;
    bool waits_for_end = !settings.sync && !settings.open;
    if (started >= settings.count || (waits_for_end && started - ended >= settings.window))
        return;
    if (settings.rate && (double)started >= (double)settings.rate * (double)(now_ns() - began_ns) / 1e9)
        return;
    static char body[REQUEST_ROOM / 2];
    static char text[REQUEST_ROOM / 4];
    size_t at = 0;
    for (const char *c = settings.input; *c && at + 2 < sizeof(text); c++) {
        if (*c == '"' || *c == '\\')
            text[at++] = '\\';
        text[at++] = *c;
    }
    text[at] = '\0';
    snprintf(body, sizeof(body), "{\"stateMachineArn\":\"%s\",\"name\":\"load-%lld-%ld\",\"input\":\"%s\"}",
             settings.machine, (long long)began_ns, started, text);
    started++;
    link_call(link, PURPOSE_START, settings.sync ? "StartSyncExecution" : "StartExecution", body);
}

static void start_idle(void) {
    for (int i = 0; i < settings.links; i++)
        if (load_links[i].purpose == PURPOSE_NONE)
            start_next(&load_links[i]);
}

static void ask_ended(void) {
    if (poll_link.purpose != PURPOSE_NONE || settings.sync || settings.open)
        return;
    static char body[1024];
    long asked = ended + STRIDE <= settings.count ? ended + STRIDE - 1 : settings.count - 1;
    if (ended == settings.count) {
        snprintf(body, sizeof(body), "{\"stateMachineArn\":\"%s\",\"statusFilter\":\"RUNNING\",\"maxResults\":1}",
                 settings.machine);
        link_call(&poll_link, PURPOSE_LIST, "ListExecutions", body);
    } else if (asked < started) {
        const char *kind = strstr(settings.machine, ":stateMachine:");
        snprintf(body, sizeof(body), "{\"executionArn\":\"%.*s:execution:%s:load-%lld-%ld\"}",
                 (int)(kind - settings.machine), settings.machine, kind + strlen(":stateMachine:"), (long long)began_ns,
                 asked);
        link_call(&poll_link, PURPOSE_END, "DescribeExecution", body);
    }
}

/* The execution that was asked for may not be there yet: then there is no status. */
static void heard_end(const char *body) {
    if (strstr(body, "\"SUCCEEDED\""))
        ended = ended + STRIDE <= settings.count ? ended + STRIDE : settings.count;
}

static void probe_next(void) {
    static char body[1024];
    probe_began_ns = now_ns();
    snprintf(body, sizeof(body), "{\"stateMachineArn\":\"%s\",\"name\":\"probe-%lld\",\"input\":\"{}\"}",
             settings.probe, (long long)probe_began_ns);
    link_call(&probe_link, PURPOSE_PROBE_START, "StartExecution", body);
}

static void probe_wait(void) {
    static char body[1024];
    snprintf(body, sizeof(body), "{\"executionArn\":\"%s\"}", probe_execution);
    link_call(&probe_link, PURPOSE_PROBE_WAIT, "DescribeExecution", body);
}

static void heard_start(struct link *link, const char *body) {
    times_add(&start_times, link->sent_ns);
    answered++;
    bool good = strncmp(link->in + strlen("HTTP/1.1"), " 200", 4) == 0 && (!settings.sync || strstr(body, "SUCCEEDED"));
    if (!good) {
        refused++;
        if (!first_refusal[0])
            snprintf(first_refusal, sizeof(first_refusal), "%.400s", body);
    }
    if (settings.sync || settings.open)
        ended++;
    start_next(link);
}

static void heard_probe(struct link *link, const char *body) {
    link->purpose = PURPOSE_NONE;
    if (!probe_execution[0]) {
        execution_of(body, probe_execution, sizeof(probe_execution));
        if (probe_execution[0])
            probe_wait();
        return;
    }
    if (strstr(body, "\"RUNNING\"")) {
        probe_wait();
        return;
    }
    times_add(&probe_times, probe_began_ns);
    probe_execution[0] = '\0';
    if (ended < settings.count)
        probe_next();
}

static void link_heard(struct link *link, const char *body) {
    const char *connection = header_of(link, "\r\nConnection:");
    bool closes = connection && strncasecmp(connection + strspn(connection, " "), "close", 5) == 0;
    enum purpose purpose = link->purpose;
    if (closes) {
        close(link->fd);
        link_open(link);
    }
    switch (purpose) {
    case PURPOSE_START:
        heard_start(link, body);
        break;
    case PURPOSE_END:
    case PURPOSE_LIST:
        link->purpose = PURPOSE_NONE;
        if (purpose == PURPOSE_END)
            heard_end(body);
        else
            all_ended = !strstr(body, "\"executionArn\"");
        break;
    case PURPOSE_PROBE_START:
    case PURPOSE_PROBE_WAIT:
        heard_probe(link, body);
        break;
    case PURPOSE_NONE:
        break;
    }
}

static void link_read(struct link *link) {
    if (link->in_room - link->in_size < 4096) {
        link->in_room = link->in_room ? link->in_room * 2 : 16384;
        link->in = realloc(link->in, link->in_room);
        if (!link->in)
            die("memory");
    }
    ssize_t got = recv(link->fd, link->in + link->in_size, link->in_room - link->in_size - 1, 0);
    if (got < 0)
        die("recv");
    if (got == 0) {
        if (link->purpose != PURPOSE_NONE) {
            errno = ECONNRESET;
            die("the server closed a connection without an answer");
        }
        close(link->fd);
        link_open(link);
        return;
    }
    link->in_size += (size_t)got;
    link->in[link->in_size] = '\0';
    const char *body;
    if (link->purpose != PURPOSE_NONE && answer_whole(link, &body))
        link_heard(link, body);
}

static void wait_some(void) {
    struct epoll_event events[64];
    int count = epoll_wait(loop, events, 64, settings.rate ? 1 : POLL_MS);
    if (count < 0 && errno != EINTR)
        die("epoll_wait");
    for (int i = 0; i < count; i++)
        link_read(events[i].data.ptr);
}

static double load_run(void) {
    for (int i = 0; i < settings.links; i++)
        link_open(&load_links[i]);
    link_open(&poll_link);
    began_ns = now_ns();
    int64_t asked = began_ns;
    start_idle();
    if (settings.probe) {
        link_open(&probe_link);
        probe_next();
    }
    bool waits_for_end = !settings.sync && !settings.open;
    while (answered < settings.count || (waits_for_end && !all_ended && !refused)) {
        wait_some();
        if (now_ns() - asked >= POLL_MS * INT64_C(1000000)) {
            ask_ended();
            asked = now_ns();
        }
        start_idle();
    }
    return (double)(now_ns() - began_ns) / 1e9;
}

static void settings_read(int argc, char **argv) {
    static const struct option options[] = {
        {"port", required_argument, NULL, 'p'},
        {"machine", required_argument, NULL, 'm'},
        {"count", required_argument, NULL, 'c'},
        {"window", required_argument, NULL, 'w'},
        {"links", required_argument, NULL, 'l'},
        {"sync", no_argument, NULL, 's'},
        {"rate", required_argument, NULL, 'r'},
        {"open", no_argument, NULL, 'n'},
        {"probe", required_argument, NULL, 'o'},
        {"input", required_argument, NULL, 'i'},
        {NULL, 0, NULL, 0},
    };
    int letter;
    while ((letter = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (letter) {
        case 'p':
            settings.port = (uint16_t)strtoul(optarg, NULL, 10);
            break;
        case 'm':
            settings.machine = optarg;
            break;
        case 'c':
            settings.count = strtol(optarg, NULL, 10);
            break;
        case 'w':
            settings.window = strtol(optarg, NULL, 10);
            break;
        case 'r':
            settings.rate = strtol(optarg, NULL, 10);
            break;
        case 'l':
            settings.links = (int)strtol(optarg, NULL, 10);
            break;
        case 's':
            settings.sync = true;
            break;
        case 'n':
            settings.open = true;
            break;
        case 'o':
            settings.probe = optarg;
            break;
        case 'i':
            settings.input = optarg;
            break;
        default:
            exit(2);
        }
    }
    if (!settings.port || !settings.machine || settings.links < 1 || settings.links > MAX_LINKS) {
        fprintf(stderr, "usage: bench_flow_load --port P --machine ARN --count N [--window W] [--links L] [--sync]\n");
        exit(2);
    }
}

int main(int argc, char **argv) {
    settings_read(argc, argv);
    loop = epoll_create1(EPOLL_CLOEXEC);
    if (loop < 0)
        die("epoll");
    double seconds = load_run();
    printf("{\"executions\": %ld, \"refused\": %ld, \"seconds\": %.3f, \"start_p50_ms\": %.2f, \"start_p99_ms\": %.2f, "
           "\"probes\": %zu, \"probe_p50_ms\": %.2f, \"probe_p99_ms\": %.2f}\n",
           settings.count - refused, refused, seconds, times_at(&start_times, 0.5), times_at(&start_times, 0.99),
           probe_times.count, times_at(&probe_times, 0.5), times_at(&probe_times, 0.99));
    if (refused)
        fprintf(stderr, "the first refusal: %s\n", first_refusal);
    return refused ? 1 : 0;
}
