#include "daemon/output/output_client.h"

#include "daemon/output/log_pipe.h"
#include "daemon/output/message.h"
#include "daemon/output/message_socket.h"
#include "daemon/output/record.h"
#include "daemon/output/start_process.h"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace procctl {
namespace {

using namespace output;
using boost::system::error_code;
using std::chrono::milliseconds;

// One that dies sooner than this after its start is dying in a loop: its successors wait longer and longer.
constexpr auto short_life = milliseconds(100);
constexpr auto first_pause = milliseconds(10);
constexpr auto longest_pause = milliseconds(250);
// When too many descriptors are under way (ETOOMANYREFS) nothing tells us that there are fewer.
constexpr auto pause_for_descriptors = milliseconds(1);
constexpr int last_words_limit_ms = 200;

struct stream_ends {
    unique_fd read, write;
    std::uint32_t slot = 0;
    bool is_closing = false;
    std::string path;
};

// An order to be sent. Its bytes are made when its turn comes.
struct queued {
    enum class kind : std::uint8_t { hello, open, close, drain, stop } what;
    std::uint64_t value = 0; // the stream's id, or the drain's tag
};

struct pending_drain {
    std::function<void()> done;
    boost::asio::steady_timer limit;
};

} // namespace

struct output_client::impl {
    impl(boost::asio::io_context& i, settings s, handlers h)
        : io(i), chosen(std::move(s)), tell(std::move(h)), socket(i), retry(i), restart(i)
    {
    }

    boost::asio::io_context& io;
    settings chosen;
    handlers tell;

    unique_fd record;
    std::unordered_map<stream_id, stream_ends> streams;
    stream_id next_id = 1;
    std::uint32_t next_slot = 0;
    std::vector<std::uint32_t> free_slots;

    stream_id file_log = 0, console_log = 0;
    std::unique_ptr<log_pipe> file_lines, console_lines;
    bool is_flush_posted = false;

    pid_t pid = 0;
    std::chrono::steady_clock::time_point started_at;
    milliseconds pause{0};
    boost::asio::posix::stream_descriptor socket;
    std::deque<queued> queue;
    bool is_sending = false; // waits for room in the socket
    boost::asio::steady_timer retry, restart;
    bool is_stopping = false, has_stopped = false;

    std::uint64_t next_tag = 1;
    std::map<std::uint64_t, pending_drain> drains;

    // A handler that runs after us, or after the process that it belongs to, finds this gone or another.
    std::shared_ptr<int> life = std::make_shared<int>(0);

    template <class Body> auto guarded(Body body)
    {
        return [guard = std::weak_ptr(life), process = *life, body](const error_code& problem = {}) {
            const auto alive = guard.lock();
            if (!problem && alive && *alive == process) body();
        };
    }

    // The output process.

    result<void> start_one()
    {
        int ends[2];
        if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
            return last_error("cannot make the output process's socket");
        unique_fd ours(ends[0]);
        const unique_fd theirs(ends[1]);
        auto child = start_process(chosen.executable, theirs.get());
        if (!child) return child.error();
        ++*life;
        pid = child->pid;
        started_at = std::chrono::steady_clock::now();
        error_code problem;
        socket.assign(ours.get(), problem);
        if (problem) return error{problem, "cannot watch the output process's socket"};
        (void)ours.release(); // the loop's from here on
        is_sending = false;
        tell_all_it_must_know();
        wait_for_replies();
        tell.process_started(pid, std::move(child->pidfd));
        if (child->problem) return *child->problem;
        return {};
    }

    void tell_all_it_must_know()
    {
        using enum queued::kind;
        queue.clear();
        enqueue({hello});
        for (const auto& [id, s] : streams)
            enqueue({open, id});
        for (const auto& [id, s] : streams)
            if (s.is_closing) enqueue({close, id});
        for (const auto& [tag, d] : drains)
            enqueue({drain, tag});
        if (is_stopping) enqueue({stop});
    }

    void after_death(const std::string& how)
    {
        receive_replies(); // its last ones
        ++*life;
        error_code ignored;
        socket.close(ignored);
        pid = 0;
        queue.clear();
        if (tell.process_ended) tell.process_ended(how);
        if (has_stopped) {
            finish_drains();
            return;
        }
        const auto lived = std::chrono::steady_clock::now() - started_at;
        pause = lived >= short_life ? milliseconds(0) : std::clamp(pause * 2, first_pause, longest_pause);
        if (pause == milliseconds(0))
            restart_now();
        else
            restart_later();
    }

    void restart_now()
    {
        if (const auto started = start_one(); started || pid != 0)
            return; // else it was told by the child's end
        else if (tell.process_ended)
            tell.process_ended(started.error().message());
        pause = std::clamp(pause * 2, first_pause, longest_pause);
        restart_later();
    }

    void restart_later()
    {
        restart.expires_after(pause);
        restart.async_wait(guarded([this] { restart_now(); }));
    }

    // Orders out.

    void enqueue(queued q)
    {
        queue.push_back(q);
        if (queue.size() == 1 && !is_sending) send_queue();
    }

    void send_queue()
    {
        while (pid != 0 && !queue.empty()) {
            if (const auto sent = send(queue.front()); !sent) return after_refusal(sent.error().code.value());
            queue.pop_front();
        }
        if (queue.empty()) queue.shrink_to_fit();
    }

    void after_refusal(int problem)
    {
        is_sending = true;
        auto go_on = guarded([this] {
            is_sending = false;
            send_queue();
        });
        if (problem == EAGAIN) {
            socket.async_wait(socket.wait_write, std::move(go_on));
        } else if (problem == ETOOMANYREFS) {
            retry.expires_after(pause_for_descriptors);
            retry.async_wait(std::move(go_on));
        }
        // Otherwise it is dying. Its successor is told everything.
    }

    result<void> send(const queued& q)
    {
        using enum queued::kind;
        const int to = socket.native_handle();
        switch (q.what) {
        case hello: return send_message(to, encode(order{output::hello{}}), record.get());
        case drain: return send_message(to, encode(order{drain_streams{q.value}}));
        case stop: return send_message(to, encode(order{stop_moving{}}));
        case open:
        case close: break;
        }
        const auto id = static_cast<stream_id>(q.value);
        const auto found = streams.find(id);
        if (found == streams.end()) return {};
        const stream_ends& s = found->second;
        if (q.what == close) return send_message(to, encode(order{close_stream{id, s.slot}}));
        const bool is_lossy = id == console_log;
        return send_message(to, encode(order{open_stream{id, s.slot, is_lossy, s.path}}), s.read.get());
    }

    // Replies in.

    void wait_for_replies()
    {
        socket.async_wait(socket.wait_read, guarded([this] {
                              if (receive_replies()) wait_for_replies();
                          }));
    }

    // Returns false when the other end is gone.
    bool receive_replies()
    {
        std::array<char, max_message_size> buffer;
        while (socket.is_open()) {
            const auto got = receive_message(socket.native_handle(), buffer);
            if (!got) {
                const int problem = got.error().code.value();
                if (problem == EAGAIN) return true;
                if (problem == ECONNRESET) continue; // with orders unread; its replies can still be read
                if (problem == EMSGSIZE) continue;
                return false;
            }
            if (got->size == 0) return false;
            if (const auto read = decode_reply({buffer.data(), got->size}))
                std::visit([this](const auto& r) { hear(r); }, *read);
        }
        return false;
    }

    void hear(const trouble& r)
    {
        const auto found = streams.find(r.id);
        if (found == streams.end()) return;
        const std::string& path = found->second.path;
        const char* const what = r.at == step::open ? "cannot open " : "cannot write ";
        const std::string why = r.at == step::open && r.errno_value == ENXIO
                                    ? path + ": nobody listens there"
                                    : make_error(r.errno_value, path).message();
        report({r.id, path, r.errno_value, what + why});
    }

    void hear(const recovered& r)
    {
        const auto found = streams.find(r.id);
        if (found == streams.end()) return;
        const std::string& path = found->second.path;
        report({r.id, path, 0, "writing " + path + " again; nothing of it was lost"});
    }

    void hear(const closed& r)
    {
        const auto found = streams.find(r.id);
        if (found == streams.end()) return;
        free_slots.push_back(found->second.slot);
        streams.erase(found);
    }

    void hear(const drained& r)
    {
        const auto found = drains.find(r.tag);
        if (found == drains.end()) return;
        const auto done = std::move(found->second.done);
        drains.erase(found);
        done();
    }

    void hear(const stopped&) { has_stopped = true; }

    void report(const stream_report& r)
    {
        if (tell.stream_reported) tell.stream_reported(r);
    }

    // Streams.

    result<stream_id> open_stream_to(std::string path)
    {
        if (path.empty() || path.size() > max_path_size || path.find('\0') != std::string::npos)
            return make_error(ENAMETOOLONG, "cannot open " + path);
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) < 0) return last_error("cannot make a pipe for " + path);
        stream_ends s{unique_fd(ends[0]), unique_fd(ends[1]), 0, false, std::move(path)};
        if (free_slots.empty()) {
            if (const auto grown = grow_record(record.get(), next_slot); !grown) return grown.error();
            s.slot = next_slot++;
        } else {
            s.slot = free_slots.back();
            free_slots.pop_back();
        }
        const stream_id id = next_id++;
        streams.emplace(id, std::move(s));
        return id;
    }

    void close(stream_id id)
    {
        const auto found = streams.find(id);
        if (found == streams.end() || found->second.is_closing) return;
        // The read end is kept until all is written: this process may die of it, and another go on.
        found->second.is_closing = true;
        found->second.write.reset();
        if (pid != 0) enqueue({queued::kind::close, id});
    }

    // The daemon's own log.

    result<void> open_log(const std::string& path, stream_id& id, std::unique_ptr<log_pipe>& lines)
    {
        const auto opened = open_stream_to(path);
        if (!opened) return opened.error();
        id = *opened;
        lines = std::make_unique<log_pipe>(io, std::move(streams.at(id).write));
        return {};
    }

    void log_line(std::string_view line)
    {
        if (file_lines) file_lines->add(line);
        if (console_lines) console_lines->add(line);
        if (is_flush_posted || (!file_lines && !console_lines)) return;
        is_flush_posted = true;
        boost::asio::post(io, [this, guard = std::weak_ptr(life)] {
            if (guard.expired()) return;
            is_flush_posted = false;
            if (file_lines) file_lines->flush();
            if (console_lines) console_lines->flush();
        });
    }

    void say_last_words()
    {
        if (file_lines) file_lines->flush_and_wait(last_words_limit_ms);
        if (console_lines) console_lines->flush_and_wait(0);
    }

    // Drains.

    void start_drain(unsigned limit_ms, std::function<void()> done)
    {
        if (file_lines) file_lines->flush();
        if (console_lines) console_lines->flush();
        const std::uint64_t tag = next_tag++;
        const auto [entry, is_new] =
            drains.emplace(tag, pending_drain{std::move(done), boost::asio::steady_timer(io)});
        entry->second.limit.expires_after(milliseconds(limit_ms));
        entry->second.limit.async_wait([this, tag, guard = std::weak_ptr(life)](const error_code& problem) {
            if (!problem && !guard.expired()) hear(drained{tag});
        });
        if (pid != 0) enqueue({queued::kind::drain, tag});
    }

    void finish_drains()
    {
        while (!drains.empty())
            hear(drained{drains.begin()->first});
    }
};

output_client::output_client(boost::asio::io_context& io, settings s, handlers h)
    : impl_(std::make_unique<impl>(io, std::move(s), std::move(h)))
{
}

output_client::~output_client() { impl_->say_last_words(); }

result<void> output_client::start()
{
    auto record = make_record();
    if (!record) return record.error();
    impl_->record = std::move(*record);
    const settings& s = impl_->chosen;
    if (!s.log_file.empty())
        if (auto opened = impl_->open_log(s.log_file, impl_->file_log, impl_->file_lines); !opened)
            return opened;
    if (s.console)
        if (auto opened = impl_->open_log("/dev/stderr", impl_->console_log, impl_->console_lines); !opened)
            return opened;
    return impl_->start_one();
}

void output_client::child_ended(pid_t pid, const std::string& how)
{
    if (pid == impl_->pid) impl_->after_death(how);
}

pid_t output_client::process_id() const { return impl_->pid; }

result<stream_id> output_client::open(std::string path)
{
    const auto id = impl_->open_stream_to(std::move(path));
    if (id && impl_->pid != 0) impl_->enqueue({queued::kind::open, *id});
    return id;
}

const std::string& output_client::path_of(stream_id id) const { return impl_->streams.at(id).path; }

int output_client::write_end(stream_id id) const
{
    const auto found = impl_->streams.find(id);
    return found == impl_->streams.end() ? -1 : found->second.write.get();
}

void output_client::close(stream_id id) { impl_->close(id); }

void output_client::log_line(std::string_view line) { impl_->log_line(line); }

std::uint64_t output_client::dropped_log_lines() const
{
    const auto of = [](const std::unique_ptr<log_pipe>& lines) { return lines ? lines->dropped() : 0; };
    return std::max(of(impl_->file_lines), of(impl_->console_lines));
}

void output_client::drain(unsigned limit_ms, std::function<void()> done)
{
    impl_->start_drain(limit_ms, std::move(done));
}

void output_client::stop()
{
    impl_->is_stopping = true;
    impl_->say_last_words();
    if (impl_->pid != 0) impl_->enqueue({queued::kind::stop});
}

int output_client::record() const { return impl_->record.get(); }

std::uint32_t output_client::slot(stream_id id) const
{
    const auto found = impl_->streams.find(id);
    return found == impl_->streams.end() ? 0 : found->second.slot;
}

int output_client::read_end(stream_id id) const
{
    const auto found = impl_->streams.find(id);
    return found == impl_->streams.end() ? -1 : found->second.read.get();
}

} // namespace procctl
