#include "daemon/helpers/read_log.h"

#include "daemon/helpers/http_text.h"
#include "daemon/helpers/tail.h"
#include "daemon/helpers/tail_follow.h"

#include <algorithm>
#include <array>
#include <optional>

#include <errno.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

namespace procctl {
namespace {

constexpr std::size_t piece_size = 64U << 10U;

// One of the logs asked for, on its way to the client.
class log_feed {
public:
    log_feed(const log_source& from, std::optional<std::string> prefix, http_text& to, int inotify)
        : path_(from.path), to_(to), file_(from.path, inotify)
    {
        if (prefix) prefixer_.emplace(std::move(*prefix));
    }

    [[nodiscard]] bool send_last(unsigned lines, bool follow)
    {
        unique_fd file = open_to_read(path_);
        if (!file) {
            // One that is not there yet has no lines; but someone who waits for lines should know why none
            // come.
            if (errno == ENOENT) return true;
            const std::string why =
                errno == 0 ? "not a file that can be read back" : make_error(errno, "").code.message();
            return use("procctld: cannot read " + path_ + ": " + why + "\n");
        }
        struct stat now {};
        if (::fstat(file.get(), &now) < 0) return true;
        const auto end = static_cast<std::uint64_t>(now.st_size);
        const auto start = start_of_last_lines(file.get(), end, lines);
        if (!start) return use("procctld: " + start.error().message() + " " + path_ + "\n");
        if (!send_range(file.get(), *start, end)) return false;
        if (follow)
            file_.start_at(std::move(file), end);
        else
            return finish();
        return true;
    }

    [[nodiscard]] bool send_new()
    {
        return file_.look([this](std::string_view piece) { return use(piece); });
    }

private:
    [[nodiscard]] bool send_range(int fd, std::uint64_t from, std::uint64_t end)
    {
        std::vector<char> buffer(std::min<std::uint64_t>(piece_size, end - from));
        while (from < end) {
            const auto size = std::min<std::uint64_t>(buffer.size(), end - from);
            const ssize_t n = ::pread(fd, buffer.data(), size, static_cast<off_t>(from));
            if (n < 0 && errno == EINTR) continue;
            if (n <= 0) return true; // it was cut off meanwhile
            if (!use({buffer.data(), static_cast<std::size_t>(n)})) return false;
            from += static_cast<std::uint64_t>(n);
        }
        return true;
    }

    [[nodiscard]] bool use(std::string_view piece)
    {
        if (!prefixer_) return to_.send(piece);
        std::string lines;
        prefixer_->add(piece, lines);
        return to_.send(lines);
    }

    [[nodiscard]] bool finish()
    {
        std::string rest;
        if (prefixer_) prefixer_->finish(rest);
        return to_.send(rest);
    }

    std::string path_;
    http_text& to_;
    followed_file file_;
    std::optional<line_prefixer> prefixer_; // none: bytes as they are
};

// Waits until inotify tells of something; false when the client has hung up. Asks only for hanging up: what
// the client may still send, or that it sends no more, is not our business.
bool wait_for_news(int inotify, int client)
{
    std::array<pollfd, 2> sources{pollfd{inotify, POLLIN, 0}, pollfd{client, 0, 0}};
    for (;;) {
        if (::poll(sources.data(), sources.size(), -1) < 0) {
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

bool hangs_up_within(int limit_ms, int client)
{
    pollfd gone{client, 0, 0};
    return ::poll(&gone, 1, limit_ms) > 0;
}

bool send_logs(http_text& response, const std::vector<log_source>& sources, unsigned lines, bool follow)
{
    const unique_fd inotify(follow ? ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK) : -1);
    std::size_t width = 0;
    for (const log_source& s : sources)
        width = std::max(width, s.name.size());
    std::vector<log_feed> feeds;
    feeds.reserve(sources.size());
    for (const log_source& s : sources) {
        std::optional<std::string> prefix;
        if (sources.size() > 1) prefix = s.name + std::string(width - s.name.size(), ' ') + " | ";
        feeds.emplace_back(s, std::move(prefix), response, inotify.get());
    }

    if (!response.begin()) return false;
    for (log_feed& feed : feeds)
        if (!feed.send_last(lines, follow)) return false;
    if (follow && !inotify)
        return response.send("procctld: cannot follow: too many are being followed "
                             "(fs.inotify.max_user_instances)\n") &&
               response.finish();
    while (follow) {
        for (log_feed& feed : feeds)
            if (!feed.send_new()) return false;
        if (!wait_for_news(inotify.get(), response.socket())) return false;
        if (feeds.size() > many_files && hangs_up_within(pause_for_many_ms, response.socket())) return false;
    }
    return response.finish();
}

} // namespace

int serve_log(int client, std::vector<log_source> sources, unsigned lines, bool follow)
{
    http_text response(client);
    // A client that has gone is the usual end of following, and no failure.
    static_cast<void>(send_logs(response, sources, lines, follow));
    return 0;
}

} // namespace procctl
