#include "common/log_names.h"
#include "common/unique_fd.h"
#include "daemon/helpers/compress.h"
#include "daemon/helpers/log_file.h"
#include "tests/support/catch.h"
#include "tests/support/scratch_folder.h"
#include "tests/unit/daemon/helpers/log_client.h"

#include <array>
#include <filesystem>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

using namespace procctl;

namespace {

using tests::append;
using tests::scratch_folder;

std::string unpacked(const std::string& log, std::uint64_t number)
{
    auto reader = file_reader::open_rotated(log, number);
    REQUIRE(reader);
    REQUIRE(reader->is_compressed());
    std::string out;
    std::array<char, 1000> piece{};
    for (;;) {
        const auto got = reader->read(piece);
        REQUIRE(got);
        if (*got == 0) return out;
        out.append(piece.data(), *got);
    }
}

std::vector<std::string> entries_of(const scratch_folder& folder)
{
    std::vector<std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator(folder / "."))
        out.push_back(entry.path().filename().string());
    std::ranges::sort(out);
    return out;
}

using names = std::vector<std::string>;

} // namespace

TEST_CASE("a compressed log has the same bytes, mode and time", "[compress]")
{
    const scratch_folder folder;
    const std::string path = folder / "web.log.3";
    std::string text = GENERATE(std::string(), std::string("one\n"), std::string(1'000'000, 'x'));
    for (unsigned i = 0; i < text.size(); i += 7) // not all of it is easy
        text[i] = static_cast<char>(i * 2'654'435'761U >> 24U);
    append(path, text);
    REQUIRE(::chmod(path.c_str(), 0604) == 0);
    const std::array<timespec, 2> times{timespec{1000, 5}, timespec{2000, 123'456'789}};
    REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times.data(), 0) == 0);

    const auto done = compress_file(path);
    if (!done) FAIL(done.error().message());
    CHECK(entries_of(folder) == names{"web.log.3.gz"});
    CHECK(unpacked(folder / "web.log", 3) == text);
    struct stat now {};
    REQUIRE(::stat((path + ".gz").c_str(), &now) == 0);
    CHECK((now.st_mode & 07777U) == 0604);
    CHECK(now.st_mtim.tv_sec == 2000);
    CHECK(now.st_mtim.tv_nsec == 123'456'789);

    SECTION("and there is nothing to be done a second time") { CHECK(compress_file(path)); }
}

TEST_CASE("a compression that was cut off is done again", "[compress]")
{
    const scratch_folder folder;
    append(folder / "web.log.3", "three\n");
    append(folder / ".web.log.3.gz.part", "half");
    append(folder / ".web.log.2.gz.part", "half");
    append(folder / "web.log.3.gz", "whole, but not yet the only one");
    append(folder / ".api.log.2.gz.part", "another's");
    append(folder / ".web.log.x.gz.part", "somebody's");
    CHECK(compress_file(folder / "web.log.3"));
    CHECK(entries_of(folder) == names{".api.log.2.gz.part", ".web.log.x.gz.part", "web.log.3.gz"});
    CHECK(unpacked(folder / "web.log", 3) == "three\n");
}

TEST_CASE("a half that somebody works on is left alone", "[compress]")
{
    const scratch_folder folder;
    append(folder / "web.log.3", "three\n");
    append(folder / ".web.log.2.gz.part", "half");
    const unique_fd other(::open((folder / ".web.log.2.gz.part").c_str(), O_RDONLY | O_CLOEXEC));
    REQUIRE(::flock(other.get(), LOCK_EX) == 0);
    CHECK(compress_file(folder / "web.log.3"));
    CHECK(entries_of(folder) == names{".web.log.2.gz.part", "web.log.3.gz"});
}

TEST_CASE("what cannot be compressed stays as it is", "[compress]")
{
    const scratch_folder folder;
    CHECK(compress_file(folder / "web.log.3")); // it was one too many, and is gone
    REQUIRE(::mkfifo((folder / "web.log.4").c_str(), 0600) == 0);
    CHECK(compress_file(folder / "web.log.4").error().message() ==
          "cannot compress " + (folder / "web.log.4") + ": not a regular file");
    append(folder / "web.log.5", "five\n");
    std::filesystem::create_directory(folder / "web.log.5.gz");
    CHECK_FALSE(compress_file(folder / "web.log.5"));
    CHECK(entries_of(folder) == names{"web.log.4", "web.log.5", "web.log.5.gz"});
}
