#include "daemon/output/output_worker.h"

#include "daemon/output/message_socket.h"
#include "daemon/output/start_process.h"

#include <algorithm>
#include <array>

#include <errno.h>
#include <sys/socket.h>

namespace procctl::output {
namespace {

using boost::system::error_code;
using std::chrono::milliseconds;

// One that dies sooner than this after its start is dying in a loop: its successors wait longer and longer.
constexpr auto short_life = milliseconds(100);
constexpr auto first_pause = milliseconds(10);
constexpr auto longest_pause = milliseconds(250);
// When too many descriptors are under way (ETOOMANYREFS) nothing tells us that there are fewer.
constexpr auto pause_for_descriptors = milliseconds(1);

} // namespace

output_worker::output_worker(boost::asio::io_context& io, std::string executable, handlers h)
    : executable_(std::move(executable)), tell_(std::move(h)), socket_(io), retry_(io), restart_(io)
{
}

template <class Body> auto output_worker::guarded(Body body)
{
    return [guard = std::weak_ptr(life_), process = *life_, body](const error_code& problem = {}) {
        const auto alive = guard.lock();
        if (!problem && alive && *alive == process) body();
    };
}

// --- Its life

result<void> output_worker::start()
{
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return last_error("cannot make the output process's socket");
    unique_fd ours(ends[0]);
    const unique_fd theirs(ends[1]);
    auto child = start_process(executable_, theirs.get());
    if (!child) return child.error();
    ++*life_;
    pid_ = child->pid;
    started_at_ = std::chrono::steady_clock::now();
    // First of all: whatever goes wrong from here on ends the child, and its end starts another.
    tell_.started(pid_, std::move(child->pidfd));
    error_code problem;
    socket_.assign(ours.get(), problem);
    if (problem) return error{problem, "cannot watch the output process's socket"};
    (void)ours.release(); // the loop's from here on
    is_sending_ = false;
    queue_.clear();
    tell_.tell_all();
    await_replies();
    if (child->problem) return *child->problem;
    return {};
}

void output_worker::child_ended(const std::string& how)
{
    static_cast<void>(receive_replies()); // its last ones
    ++*life_;
    error_code ignored;
    socket_.close(ignored);
    pid_ = 0;
    queue_.clear();
    const auto lived = std::chrono::steady_clock::now() - started_at_;
    pause_ = lived >= short_life ? milliseconds(0) : std::clamp(pause_ * 2, first_pause, longest_pause);
    const std::weak_ptr guard(life_);
    tell_.ended(how);
    if (guard.expired() || !tell_.is_needed()) return;
    if (pause_ == milliseconds(0))
        start_or_retry();
    else
        restart_later();
}

void output_worker::start_or_retry()
{
    if (pid_ != 0 || !tell_.is_needed()) return;
    if (const auto started = start(); started || pid_ != 0)
        return; // else it was told by the child's end
    else
        tell_.ended(started.error().message());
    pause_ = std::clamp(pause_ * 2, first_pause, longest_pause);
    restart_later();
}

void output_worker::restart_later()
{
    restart_.expires_after(pause_);
    restart_.async_wait(guarded([this] { start_or_retry(); }));
}

// --- Orders out

void output_worker::enqueue(queued q)
{
    if (pid_ == 0) return;
    queue_.push_back(q);
    if (queue_.size() == 1 && !is_sending_) send_queue();
}

void output_worker::send_queue()
{
    while (pid_ != 0 && !queue_.empty()) {
        if (const auto sent = tell_.send(socket_.native_handle(), queue_.front()); !sent)
            return after_refusal(sent.error().code.value());
        queue_.pop_front();
    }
    if (queue_.empty()) queue_.shrink_to_fit();
}

void output_worker::after_refusal(int problem)
{
    is_sending_ = true;
    auto go_on = guarded([this] {
        is_sending_ = false;
        send_queue();
    });
    if (problem == EAGAIN) {
        socket_.async_wait(socket_.wait_write, std::move(go_on));
    } else if (problem == ETOOMANYREFS) {
        retry_.expires_after(pause_for_descriptors);
        retry_.async_wait(std::move(go_on));
    }
    // Otherwise it is dying. Its successor is told everything.
}

// --- Replies in

void output_worker::await_replies()
{
    socket_.async_wait(socket_.wait_read, guarded([this] {
                           if (receive_replies()) await_replies();
                       }));
}

bool output_worker::receive_replies()
{
    std::array<char, max_reply_size> buffer;
    const std::weak_ptr guard(life_);
    while (!guard.expired() && socket_.is_open()) { // what is heard may be the end of us
        const auto got = receive_message(socket_.native_handle(), buffer);
        if (!got) {
            const int problem = got.error().code.value();
            if (problem == EAGAIN) return true;
            if (problem == ECONNRESET) continue; // with orders unread; its replies can still be read
            if (problem == EMSGSIZE) continue;
            return false;
        }
        if (got->size == 0) return false;
        if (const auto read = decode_reply({buffer.data(), got->size})) tell_.hear(*read);
    }
    return false;
}

} // namespace procctl::output
