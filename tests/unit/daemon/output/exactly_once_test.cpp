// Nothing lost, nothing doubled, nothing out of order: whatever the output process dies of, and however full
// the disk is.
#include "daemon/output/record.h"
#include "tests/unit/daemon/output/running_output.h"

#include <charconv>
#include <random>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>

using namespace procctl;
using namespace procctl::output_tests;

namespace {

// A program that writes numbered lines, in pieces of any size, as fast as it can until it has written all.
class numbered_writer {
public:
    numbered_writer(int to, unsigned lines, unsigned seed) : child_(::fork())
    {
        REQUIRE(child_ >= 0);
        if (child_ != 0) return;
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        std::minstd_rand random(seed);
        std::string text;
        for (unsigned i = 0; i < lines; ++i) {
            text += std::to_string(i) + '\n';
            if (text.size() < random() % 20'000 && i + 1 < lines) continue;
            for (std::size_t done = 0; done < text.size();) {
                const ssize_t n = ::write(to, text.data() + done, text.size() - done);
                if (n < 0) ::_exit(1);
                done += static_cast<std::size_t>(n);
            }
            text.clear();
        }
        ::_exit(0);
    }
    numbered_writer(const numbered_writer&) = delete;
    numbered_writer(numbered_writer&& other) noexcept : child_(std::exchange(other.child_, 0)) {}
    ~numbered_writer()
    {
        if (child_ <= 0) return;
        ::kill(child_, SIGKILL);
        ::waitpid(child_, nullptr, 0);
    }
    bool has_finished()
    {
        if (child_ == 0) return true;
        int status = 0;
        if (::waitpid(child_, &status, WNOHANG) == 0) return false;
        CHECK(status == 0);
        child_ = 0;
        return true;
    }

private:
    pid_t child_;
};

// How many numbered lines there are; -1 when one is missing, doubled or cut.
long count_lines(const std::string& text)
{
    long expected = 0;
    const char* at = text.data();
    const char* const end = at + text.size();
    while (at != end) {
        long number = -1;
        const auto read = std::from_chars(at, end, number);
        if (number != expected || read.ptr == end || *read.ptr != '\n') return -1;
        ++expected;
        at = read.ptr + 1;
    }
    return expected;
}

} // namespace

TEST_CASE("every line is written exactly once, however often the output process is killed", "[output]")
{
    constexpr unsigned writers = 5;
    constexpr unsigned lines = 1'000'000;
    const unsigned seed = std::random_device()();
    CAPTURE(seed);
    std::minstd_rand random(seed);

    const scratch_folder folder;
    running_output out;
    std::vector<stream_id> streams;
    std::vector<numbered_writer> programs;
    for (unsigned i = 0; i < writers; ++i) {
        streams.push_back(out.open(folder / std::to_string(i)));
        programs.emplace_back(out.client.write_end(streams[i]), lines, seed + i);
    }
    unsigned kills = 0;
    const auto have_all_finished = [&] {
        bool all = true;
        for (auto& p : programs)
            all = p.has_finished() && all;
        return all;
    };
    while (!have_all_finished()) {
        // Any moment of its life, from the first instruction on, is as good as another.
        const auto moment = std::chrono::microseconds(random() % 60'000);
        const auto end = std::chrono::steady_clock::now() + moment;
        while (std::chrono::steady_clock::now() < end) {
            out.io.restart();
            out.io.run_one_until(end);
        }
        if (out.process_id() == 0) continue;
        const unsigned deaths = out.deaths;
        out.kill_process();
        out.until([&] { return out.deaths > deaths && out.process_id() != 0; });
        ++kills;
    }
    out.drain();
    CHECK(kills > 3);
    CHECK(out.deaths == kills);
    for (unsigned i = 0; i < writers; ++i) {
        const std::string text = content_of(folder / std::to_string(i));
        CHECK(count_lines(text) == lines);
        const auto slot = output::read_slot(out.client.record(), out.client.slot(streams[i]));
        REQUIRE(slot);
        CHECK(slot->moved == text.size());
        CHECK(slot->position == text.size());
    }
}

namespace {

// A file system of a few pages, seen by us and our children alone.
class tiny_disk {
public:
    explicit tiny_disk(std::string at) : path_(std::move(at))
    {
        is_mounted_ = ::unshare(CLONE_NEWNS) == 0 &&
                      ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                      ::mount("tmpfs", path_.c_str(), "tmpfs", 0, "size=64k") == 0;
    }
    tiny_disk(const tiny_disk&) = delete;
    tiny_disk& operator=(const tiny_disk&) = delete;
    ~tiny_disk()
    {
        if (is_mounted_) ::umount2(path_.c_str(), MNT_DETACH);
    }
    explicit operator bool() const { return is_mounted_; }

private:
    std::string path_;
    bool is_mounted_ = false;
};

} // namespace

TEST_CASE("a full disk is reported once, and all is written when there is room again", "[output]")
{
    const scratch_folder folder;
    const tiny_disk disk(folder.path());
    if (!disk) {
        WARN("skipped: only root may mount the tiny disk");
        return;
    }
    std::ofstream(folder / "ballast") << std::string(40'000, 'b');
    running_output out;
    const stream_id id = out.open(folder / "log");
    std::string text;
    for (int i = 0; text.size() < 50'000; ++i)
        text += std::to_string(i) + "\n";
    put(out.client.write_end(id), text);
    out.until([&] { return !out.reports.empty(); });
    CHECK(out.reports[0].id == id);
    CHECK(out.reports[0].errno_value == ENOSPC);
    CHECK(out.reports[0].message == "cannot write " + (folder / "log") + ": No space left on device");
    const auto slot = output::read_slot(out.client.record(), out.client.slot(id));
    REQUIRE(slot);
    CHECK(slot->state == output::slot_state::in_trouble);
    CHECK(slot->errno_value == ENOSPC);

    // Others are not held up, and the death of the output process changes nothing.
    const stream_id other = out.open("/dev/null");
    put(out.client.write_end(other), "x");
    out.client.close(other);
    out.until([&] { return out.client.read_end(other) == -1; });
    if (GENERATE(false, true)) {
        out.kill_process();
        out.until([&] { return out.deaths == 1; });
        CHECK(out.reports.size() == 1); // the next one knows that it was said
    }
    out.reports.clear();
    std::filesystem::remove(folder / "ballast");
    out.until([&] { return !out.reports.empty(); });
    CHECK(out.reports[0].errno_value == 0);
    out.drain();
    CHECK(content_of(folder / "log") == text);
    CHECK(out.reports.size() == 1);
}
