#include "daemon/helpers/read_log.h"

#include "daemon/helpers/follow_log.h"
#include "daemon/helpers/log_cursor.h"
#include "daemon/helpers/log_history.h"
#include "daemon/helpers/log_writer.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <queue>

#include <errno.h>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

namespace procctl {
namespace {

// Each log that is merged has a piece in memory.
constexpr std::size_t many_logs = 16;
constexpr std::size_t piece_of_one = 64U << 10U;
constexpr std::size_t piece_of_many = 8U << 10U;

bool has_hung_up(int client, int within_ms = 0)
{
    // Asks only for hanging up: what the client may still send, or that it sends no more, is not our
    // business.
    pollfd gone{client, 0, 0};
    return ::poll(&gone, 1, within_ms) > 0;
}

std::int64_t now()
{
    using namespace std::chrono;
    return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

// One of the logs, as it was when it was asked for, on its way to the client in the order of times.
class log_feed {
public:
    log_feed(std::size_t place, const log_history& log, const line_filter& filter, bool needs_times,
             std::size_t piece_size)
        : place_(place), filter_(filter), parser_(log.source().format, log.source().timestamps),
          cursor_(log, log.begin(), log.end(), {.piece_size = piece_size, .has_marks = needs_times})
    {
    }

    // Goes to the next line that is wanted, or note; false at the end.
    [[nodiscard]] bool next()
    {
        while (cursor_.next()) {
            if (cursor_.is_note()) return true;
            facts_ = parser_.parse(cursor_.text());
            origin_ = facts_.time != 0 ? time_origin::line : time_origin::mark;
            const std::int64_t time = facts_.time != 0 ? facts_.time : cursor_.mark_time();
            if (time == 0) origin_ = time_origin::none;
            // The order within a log stays, whatever its clock did.
            time_ = time;
            order_ = std::max(order_, time);
            if (filter_.passes(facts_)) return true;
        }
        return false;
    }
    // By which logs are merged: those of which nothing is known come first.
    [[nodiscard]] std::pair<std::int64_t, std::size_t> order() const { return {order_, place_}; }

    [[nodiscard]] bool send(log_writer& to) const
    {
        if (cursor_.is_note()) return to.note(place_, cursor_.text());
        return to.line(place_, cursor_.text(), facts_, time_, origin_);
    }

private:
    std::size_t place_;
    const line_filter& filter_;
    line_parser parser_;
    log_cursor cursor_;
    line_facts facts_;
    std::int64_t time_ = 0;
    std::int64_t order_ = 0;
    time_origin origin_ = time_origin::none;
};

// One of the logs as it grows.
class live_feed final : public followed_text {
public:
    live_feed(std::size_t place, const log_source& from, const line_filter& filter, log_writer& to,
              int inotify)
        : place_(place), filter_(filter), parser_(from.format, from.timestamps), to_(to),
          log_(from.path, inotify)
    {
    }

    [[nodiscard]] followed_log& log() { return log_; }
    [[nodiscard]] bool look() { return log_.look(*this); }
    // An unfinished line that may be all that comes for long: shown where lines are not looked at.
    [[nodiscard]] bool holds_back() const { return to_.is_plain() && log_.holds_back(); }
    [[nodiscard]] bool give_unfinished() { return log_.give_unfinished(*this); }

    bool text(std::string_view piece) override
    {
        if (to_.is_plain()) return to_.bytes(piece);
        std::string_view line;
        while (lines_.next(piece, line))
            if (!send(line)) return false;
        return true;
    }
    bool cut() override
    {
        std::string_view line;
        return to_.is_plain() || !lines_.finish(line) || send(line);
    }
    bool note(std::string_view text) override { return cut() && to_.note(place_, text); }

private:
    [[nodiscard]] bool send(std::string_view line)
    {
        const line_facts facts = parser_.parse(line);
        if (!filter_.passes(facts)) return true;
        if (facts.time != 0) return to_.line(place_, line, facts, facts.time, time_origin::line);
        return to_.line(place_, line, facts, now(), time_origin::reading);
    }

    std::size_t place_;
    const line_filter& filter_;
    line_parser parser_;
    log_writer& to_;
    followed_log log_;
    line_splitter lines_;
};

bool send_plain(const log_history& log, log_writer& to)
{
    log_cursor pieces(log, log.begin(), log.end(), {});
    while (pieces.next_piece())
        if (!(pieces.is_note() ? to.note(0, pieces.text()) : to.bytes(pieces.text()))) return false;
    return to.flush();
}

bool send_merged(const std::vector<std::unique_ptr<log_history>>& logs, const line_filter& filter,
                 bool needs_times, log_writer& to)
{
    std::vector<std::unique_ptr<log_feed>> feeds;
    using entry = std::pair<std::pair<std::int64_t, std::size_t>, log_feed*>;
    std::priority_queue<entry, std::vector<entry>, std::greater<>> next;
    const std::size_t piece = logs.size() > many_logs ? piece_of_many : piece_of_one;
    for (std::size_t i = 0; i < logs.size(); ++i) {
        if (!logs[i]) continue;
        feeds.push_back(std::make_unique<log_feed>(i, *logs[i], filter, needs_times, piece));
        if (feeds.back()->next()) next.emplace(feeds.back()->order(), feeds.back().get());
    }
    while (!next.empty()) {
        log_feed& first = *next.top().second;
        next.pop();
        if (!first.send(to)) return false;
        if (first.next()) next.emplace(first.order(), &first);
    }
    return to.flush();
}

// Waits until inotify tells of something, or for so long; false when the client has hung up.
bool wait_for_news(int inotify, int client, int limit_ms)
{
    std::array<pollfd, 2> sources{pollfd{inotify, POLLIN, 0}, pollfd{client, 0, 0}};
    for (;;) {
        const int ready = ::poll(sources.data(), sources.size(), limit_ms);
        if (ready == 0) return true;
        if (ready < 0) {
            if (errno == EINTR) continue;
            return false;
        }
        if (sources[1].revents != 0) return false;
        // What happened is found by looking; here it is only taken away.
        alignas(inotify_event) std::array<char, 16U << 10U> events;
        if (::read(inotify, events.data(), events.size()) > 0) return true;
        if (errno != EAGAIN && errno != EINTR) return false;
    }
}

// Looking at many files costs, and they are all looked at when one has grown: so not more often than this.
constexpr std::size_t many_files = 8;
constexpr int pause_for_many_ms = 20;
// A line that is not finished within this may be all that comes for long.
constexpr int quiet_ms = 100;

bool follow(std::vector<std::unique_ptr<live_feed>>& feeds, log_writer& to, int inotify, int client)
{
    for (;;) {
        for (const auto& feed : feeds)
            if (!feed->look()) return false;
        if (!to.flush()) return false;
        live_feed* const quiet =
            feeds.size() == 1 && feeds.front()->holds_back() ? feeds.front().get() : nullptr;
        const std::int64_t begin = now();
        if (!wait_for_news(inotify, client, quiet == nullptr ? -1 : quiet_ms)) return false;
        if (quiet != nullptr && now() - begin >= quiet_ms * 1000 && !quiet->give_unfinished()) return false;
        if (feeds.size() > many_files && has_hung_up(client, pause_for_many_ms)) return false;
    }
}

using log_histories = std::vector<std::unique_ptr<log_history>>; // by source; null: there is only a note

// What is there now, narrowed to what is asked for. What is wrong with a log is said at once; false when the
// client has gone.
bool open_logs(const log_request& request, const line_filter& filter, int client, log_writer& to,
               log_histories& logs)
{
    const log_selection& what = request.what;
    for (std::size_t i = 0; i < request.sources.size(); ++i) {
        const log_source& source = request.sources[i];
        const bool is_read = source.note.empty();
        logs.push_back(is_read
                           ? std::make_unique<log_history>(source, [client] { return !has_hung_up(client); })
                           : nullptr);
        if (!is_read && !to.note(i, source.note)) return false;
    }
    folder_entries folders; // as they are now that all are open
    for (std::size_t i = 0; i < logs.size(); ++i) {
        if (!logs[i]) continue;
        log_history& log = *logs[i];
        log.find_rotated(folders);
        if (!log.problem().empty() && !to.note(i, log.problem())) return false;
        if (what.since || what.until) log.narrow(what.since, what.until);
        if (what.lines) log.keep_last(*what.lines, filter);
        if (what.follow) log.leave_unfinished_line();
    }
    return to.flush();
}

bool send_history(const log_histories& logs, const log_request& request, const line_filter& filter,
                  log_writer& to)
{
    if (to.is_plain() && logs.front()) return send_plain(*logs.front(), to);
    const bool needs_times = logs.size() > 1 || request.what.output == log_output::json;
    return send_merged(logs, filter, needs_times, to);
}

bool send_news(log_histories logs, const log_request& request, const line_filter& filter, int client,
               log_writer& to)
{
    const unique_fd inotify(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    std::vector<std::unique_ptr<live_feed>> feeds;
    for (std::size_t i = 0; i < logs.size(); ++i) {
        if (!logs[i]) continue;
        if (!inotify)
            return to.note(i, "cannot be followed: too many are (sysctl fs.inotify.max_user_instances)") &&
                   to.flush();
        feeds.push_back(std::make_unique<live_feed>(i, request.sources[i], filter, to, inotify.get()));
        const log_position end = logs[i]->end();
        feeds.back()->log().start_at(logs[i]->take_current(), end.offset, logs[i]->last_number());
    }
    logs.clear();
    return feeds.empty() || follow(feeds, to, inotify.get(), client);
}

bool send_logs(http_text& response, const log_request& request, const line_filter& filter)
{
    const bool is_json = request.what.output == log_output::json;
    if (!(is_json ? response.begin("application/x-ndjson") : response.begin())) return false;
    log_writer to(request, response);
    log_histories logs;
    if (!open_logs(request, filter, response.socket(), to, logs) || !send_history(logs, request, filter, to))
        return false;
    if (request.what.follow && !send_news(std::move(logs), request, filter, response.socket(), to))
        return false;
    return response.finish();
}

} // namespace

int serve_log(int client, log_request request)
{
    http_text response(client);
    // What a client that has gone does not read is no failure: that is the usual end of following.
    if (const auto refusal = select_stream(request)) {
        static_cast<void>(response.refuse(refusal->status, refusal->kind, refusal->message));
    } else if (const auto filter = line_filter::make(request.what); !filter) {
        static_cast<void>(response.refuse(400, "bad-request", filter.error().message()));
    } else {
        static_cast<void>(send_logs(response, request, *filter));
    }
    return 0;
}

} // namespace procctl
