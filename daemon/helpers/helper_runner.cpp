#include "daemon/helpers/helper_runner.h"

#include "common/size.h"
#include "daemon/os/descriptor_message.h"
#include "daemon/os/spawn.h"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <deque>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>

extern char** environ; // NOLINT(readability-redundant-declaration): POSIX asks for it

namespace procctl {
namespace {

namespace asio = boost::asio;

constexpr std::size_t most_output = 64U << 20U;
constexpr std::size_t most_beside_descriptors = 64U << 10U;
constexpr unsigned most_detached = 64;
constexpr unsigned most_collecting = 16; // more would only wait for each other's disk and processor
constexpr unsigned most_watching = 256;
constexpr unsigned most_fetching = 256;
constexpr std::string_view too_many =
    "HTTP/1.1 503 Service Unavailable\r\n"
    "Content-Type: application/json\r\n"
    "Content-Length: 74\r\n"
    "Connection: close\r\n\r\n"
    R"({"kind":"busy","message":"too many logs are being read; try again later"})"
    "\n";

// This very binary, also after a package upgrade has replaced the file: the link leads to what is being
// executed.
constexpr const char* own_executable = "/proc/self/exe";

// Helpers are told apart from programs: they get the daemon's own environment, and no identity change.
result<spawned> spawn_helper(std::vector<std::string> task, int standard_input, int standard_output)
{
    spawn_request request;
    request.argv = {"procctld", "--helper"};
    std::move(task.begin(), task.end(), std::back_inserter(request.argv));
    for (char** variable = environ; *variable != nullptr; ++variable)
        request.envp.emplace_back(*variable);
    request.candidates = {own_executable};
    request.standard_input = standard_input;
    request.standard_output = standard_output;
    request.standard_error = STDERR_FILENO;
    // A helper that cannot be executed exits with the status of the step that failed: who watches it sees
    // that.
    return spawn(request);
}

// What a helper's standard output is.
struct output_ends {
    unique_fd ours;
    unique_fd helpers;
};

result<output_ends> make_pipe()
{
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return last_error("cannot make a pipe for a helper");
    return output_ends{unique_fd(ends[0]), unique_fd(ends[1])};
}

result<output_ends> make_socket_pair()
{
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
        return last_error("cannot make a socket for a helper");
    return output_ends{unique_fd(ends[0]), unique_fd(ends[1])};
}

std::function<void(result<helper_delivery>)> with_text(std::function<void(result<std::string>)> done)
{
    return [done = std::move(done)](result<helper_delivery> outcome) {
        if (outcome)
            done(std::move(outcome->text));
        else
            done(outcome.error());
    };
}

} // namespace

// One helper whose output is collected. Alive until it has ended and its output was read to the end.
struct helper_runner::collection : std::enable_shared_from_this<collection> {
    using done_function = std::function<void(result<helper_delivery>)>;

    collection(asio::io_context& io, std::vector<std::string> what, duration most_time,
               bool brings_descriptors, done_function when_done)
        : task(std::move(what)), limit(most_time), has_socket(brings_descriptors), output(io), timer(io),
          done(std::move(when_done))
    {
    }

    void read()
    {
        if (has_socket) return read_socket();
        output.async_read_some(asio::buffer(buffer),
                               [self = shared_from_this()](auto failure, std::size_t size) {
                                   if (failure) return self->reached_end(); // or cancelled by the time limit
                                   if (self->keep(size, most_output)) self->read();
                               });
    }

    void read_socket()
    {
        output.async_wait(output.wait_read, [self = shared_from_this()](auto failure) {
            if (!failure)
                self->receive();
            else
                self->reached_end();
        });
    }

    void receive()
    {
        auto got = receive_with_descriptors(output.native_handle(), buffer);
        if (!got) {
            if (got.error().code.value() == EAGAIN) return read_socket();
            return fail(got.error());
        }
        delivery.descriptors.add(std::move(got->passed));
        if (got->has_lost_descriptors || delivery.descriptors.size() > most_passed)
            return fail(make_error("a helper sent more descriptors than " + std::to_string(most_passed) +
                                   ", or than there is room for (RLIMIT_NOFILE)"));
        if (got->size == 0) return reached_end();
        if (keep(got->size, most_beside_descriptors)) read_socket();
    }

    // False: too much.
    bool keep(std::size_t size, std::size_t most)
    {
        if (delivery.text.size() + size > most) {
            fail(make_error("a helper wrote more than " + format_size(most)));
            return false;
        }
        delivery.text.append(buffer.data(), size);
        return true;
    }

    void reached_end()
    {
        has_eof = true;
        finish_if_complete();
    }

    void start_timer()
    {
        if (limit == infinity) return;
        timer.expires_after(limit);
        timer.async_wait([self = shared_from_this()](auto failure) {
            if (!failure && self->done)
                self->fail(make_error("a helper took longer than " + format_duration(self->limit)));
        });
    }

    void ended(const process_end& how)
    {
        end = how;
        has_ended = true;
        pidfd.reset();
        finish_if_complete();
    }

    void finish_if_complete()
    {
        if (!has_ended || !has_eof || !done) return;
        if (end == process_end{exit_code_kind::exited, 0}) {
            finish(std::move(delivery));
        } else {
            fail(make_error("a helper process " + describe(end)));
        }
    }

    void fail(error reason)
    {
        kill();
        delivery = {};
        finish(std::move(reason));
    }

    void call_off()
    {
        done = nullptr;
        kill();
        close();
        delivery = {};
    }

    void finish(result<helper_delivery> outcome)
    {
        close();
        if (auto call = std::exchange(done, nullptr)) call(std::move(outcome));
    }

    void kill()
    {
        if (pidfd) ::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
    }

    void close()
    {
        timer.cancel();
        boost::system::error_code ignored;
        output.close(ignored);
    }

    std::vector<std::string> task;
    duration limit;
    bool has_socket;                       // for descriptors; else a pipe
    asio::posix::stream_descriptor output; // our end of it
    asio::steady_timer timer;
    done_function done; // empty once it has been called, or called off
    unique_fd pidfd;    // to end a helper that takes too long
    std::array<char, 16384> buffer{};
    helper_delivery delivery;
    process_end end;
    bool has_ended = false;
    bool has_eof = false;
};

// Helpers that share a limit.
struct helper_runner::lane {
    unsigned most = 0;
    unsigned running = 0;
    std::deque<std::shared_ptr<collection>> queue; // their turn comes when one of those has ended
};

struct helper_runner::impl {
    asio::io_context& io;
    watch_function watch;
    unsigned detached = 0; // helpers that serve a client
    lane collecting{.most = most_collecting, .running = 0, .queue = {}};
    lane watching{.most = most_watching, .running = 0, .queue = {}};
    lane fetching{.most = most_fetching, .running = 0, .queue = {}}; // a disk that hangs holds up no PID file
};

helper_runner::helper_runner(asio::io_context& io, watch_function watch)
    : impl_(std::make_shared<impl>(impl{.io = io, .watch = std::move(watch)}))
{
}

helper_runner::~helper_runner() = default;

void helper_runner::collect(std::vector<std::string> task, duration limit,
                            std::function<void(result<std::string>)> done)
{
    impl_->collecting.queue.push_back(
        std::make_shared<collection>(impl_->io, std::move(task), limit, false, with_text(std::move(done))));
    start_waiting(impl_, impl_->collecting);
}

helper_runner::watch_token helper_runner::watch(std::vector<std::string> task, duration limit,
                                                std::function<void(result<std::string>)> done)
{
    return wait_for(impl_->watching, std::make_shared<collection>(impl_->io, std::move(task), limit, false,
                                                                  with_text(std::move(done))));
}

helper_runner::watch_token helper_runner::fetch(std::vector<std::string> task, duration limit,
                                                std::function<void(result<helper_delivery>)> done)
{
    return wait_for(impl_->fetching,
                    std::make_shared<collection>(impl_->io, std::move(task), limit, true, std::move(done)));
}

helper_runner::watch_token helper_runner::wait_for(lane& in, std::shared_ptr<collection> job)
{
    watch_token token;
    token.runner_ = impl_;
    token.helper_ = job;
    in.queue.push_back(std::move(job));
    start_waiting(impl_, in);
    return token;
}

helper_runner::watch_token& helper_runner::watch_token::operator=(watch_token&& other) noexcept
{
    if (this == &other) return *this;
    cancel();
    runner_ = std::move(other.runner_);
    helper_ = std::move(other.helper_);
    return *this;
}

void helper_runner::watch_token::cancel()
{
    const auto job = helper_.lock();
    helper_.reset();
    if (!job || !job->done) return;
    if (const auto runner = runner_.lock()) {
        std::erase(runner->watching.queue, job);
        std::erase(runner->fetching.queue, job);
    }
    job->call_off();
}

void helper_runner::start_waiting(const std::shared_ptr<impl>& state, lane& in)
{
    while (in.running < in.most && !in.queue.empty()) {
        const auto next = std::move(in.queue.front());
        in.queue.pop_front();
        start(state, in, next);
    }
}

void helper_runner::start(const std::shared_ptr<impl>& state, lane& in,
                          const std::shared_ptr<collection>& job)
{
    const auto fail_later = [&](error reason) {
        asio::post(state->io, [job, reason = std::move(reason)] { job->fail(reason); });
    };
    auto ends = job->has_socket ? make_socket_pair() : make_pipe();
    if (!ends) {
        fail_later(ends.error());
        return;
    }
    boost::system::error_code problem;
    job->output.assign(ends->ours.get(), problem);
    if (problem) {
        fail_later({problem, "cannot watch a helper's output"});
        return;
    }
    (void)ends->ours.release(); // the job's from here on
    auto child = spawn_helper(std::move(job->task), -1, ends->helpers.get());
    if (!child) {
        fail_later(child.error());
        return;
    }
    ++in.running;
    job->pidfd.reset(::fcntl(child->pidfd.get(), F_DUPFD_CLOEXEC, 3));
    state->watch(child->pid, std::move(child->pidfd), [state, &in, job](const process_end& end) {
        --in.running;
        job->ended(end);
        start_waiting(state, in);
    });
    job->start_timer();
    job->read();
}

result<void> helper_runner::detach(std::vector<std::string> task, unique_fd socket)
{
    if (impl_->detached == most_detached) {
        // Whether a client that floods us reads the answer is its own business: one try, which cannot block.
        ::send(socket.get(), too_many.data(), too_many.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        return make_error("cannot serve another log: " + std::to_string(most_detached) + " are being read");
    }
    auto child = spawn_helper(std::move(task), socket.get(), -1);
    if (!child) return child.error();
    // It exits by itself; what the client sees is the end of its connection.
    ++impl_->detached;
    impl_->watch(child->pid, std::move(child->pidfd),
                 [state = impl_](const process_end&) { --state->detached; });
    return {};
}

} // namespace procctl
