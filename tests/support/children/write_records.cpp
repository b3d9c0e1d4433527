// write_records PROGRESS POOL SEED LONGEST raw|lines [two]: writes records of odd sizes until it is told to
// stop.
//
// What it writes is a function of the seed, the run and the stream alone: a heading, then pieces of the file
// POOL, whose sizes and places come from splitmix64; with `lines` a newline after each. PROGRESS is a file
// that the runs and their reader share, 64-bit words in the machine's byte order:
//
//   0 runs begun  1 bytes the reader has seen  2 how far ahead of it one may be  3 the reader: stop
//   4 this run has stopped  5 bytes written in all, about
//   8 + 4 * run   bytes that write(2) was asked to write and those that it took: standard output, standard
//   error
//
// With `two` both streams have records of their own; otherwise both descriptors get those of one stream in
// turn. A run that was killed has written no less than what was taken and no more than what was asked for.
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

constexpr std::size_t most_runs = 8192;
constexpr std::size_t words = 8 + 4 * most_runs;

using word = std::atomic<std::uint64_t>;

[[noreturn]] void give_up(const char* what)
{
    std::perror(what);
    _exit(2);
}

void* map(const char* path, int protection, std::size_t* size)
{
    const int fd = open(path, (protection & PROT_WRITE) != 0 ? O_RDWR : O_RDONLY);
    struct stat what {};
    if (fd < 0 || fstat(fd, &what) != 0) give_up(path);
    *size = static_cast<std::size_t>(what.st_size);
    void* const at = mmap(nullptr, *size, protection, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED) give_up(path);
    close(fd);
    return at;
}

class splitmix {
public:
    explicit splitmix(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next()
    {
        std::uint64_t z = state_ += 0x9e3779b97f4a7c15U;
        z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
        z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
        return z ^ (z >> 31U);
    }

private:
    std::uint64_t state_;
};

// Most are small, many are about as long as something else is, a few fill any pipe.
std::size_t size_of_record(std::uint64_t r, std::size_t longest)
{
    static constexpr std::size_t edges[] = {1, 4095, 4096, 4097, 8192, 65535, 65536, 65537};
    const std::uint64_t kind = r % 16;
    const std::uint64_t rest = r >> 8U;
    std::size_t size = 1 + rest % 200;
    if (kind >= 8 && kind < 12) size = 1 + rest % 5000;
    if (kind >= 12 && kind < 14) size = 1 + rest % 70000;
    if (kind == 14) size = edges[rest % 8];
    if (kind == 15 && rest % 8 == 0) size = 1 + (rest >> 8U) % (1U << 20U);
    if (kind == 15 && rest % 32 == 1) size = 1U << 20U;
    return size < longest ? size : longest;
}

void write_all(int fd, const char* from, std::size_t size, word* progress, word& total)
{
    progress[0] += size;
    while (size > 0) {
        const ssize_t n = write(fd, from, size);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) give_up("write");
        const auto taken = static_cast<std::size_t>(n);
        progress[1] += taken;
        total += taken;
        from += taken;
        size -= taken;
    }
}

} // namespace

int main(int argc, char** argv)
{
    if (argc < 6) return 2;
    std::size_t size = 0;
    std::size_t pool_size = 0;
    word* const shared = static_cast<word*>(map(argv[1], PROT_READ | PROT_WRITE, &size));
    const char* const pool = static_cast<const char*>(map(argv[2], PROT_READ, &pool_size));
    const std::uint64_t seed = std::strtoull(argv[3], nullptr, 10);
    const auto longest = static_cast<std::size_t>(std::strtoull(argv[4], nullptr, 10));
    const bool is_lines = std::strcmp(argv[5], "lines") == 0;
    const bool has_two = argc > 6;
    if (size < words * sizeof(word) || longest >= pool_size) return 2;

    const std::uint64_t run = shared[0];
    if (run >= most_runs) return 2;
    if (shared[5] < shared[1]) shared[5] = shared[1].load(); // what a killed run had not counted
    shared[4] = 0;
    ++shared[0];
    splitmix records[] = {splitmix(seed ^ (run << 20U)), splitmix(seed ^ (run << 20U) ^ 1U)};
    splitmix whims(seed + run);
    for (std::size_t stream = 0; stream < (has_two ? 2 : 1); ++stream) {
        char heading[64];
        const int length = std::snprintf(heading, sizeof heading, "<run %08llu of %020llu/%zu>\n",
                                         static_cast<unsigned long long>(run),
                                         static_cast<unsigned long long>(seed), stream);
        write_all(stream == 0 ? 1 : 2, heading, static_cast<std::size_t>(length),
                  shared + 8 + 4 * run + 2 * stream, shared[5]);
    }
    while (shared[3] == 0) {
        if (shared[5] > shared[1] + shared[2]) {
            usleep(500);
            continue;
        }
        const std::uint64_t whim = whims.next();
        const std::size_t stream = has_two ? whim % 2 : 0;
        const int fd = whim % 2 == 0 ? 1 : 2;
        word* const progress = shared + 8 + 4 * run + 2 * stream;
        const std::size_t length = size_of_record(records[stream].next(), longest);
        const char* const from = pool + records[stream].next() % (pool_size - length);
        if (!is_lines) {
            write_all(fd, from, length, progress, shared[5]);
        } else if (whim % 8 < 6) {
            write_all(fd, (std::string(from, length) + '\n').data(), length + 1, progress, shared[5]);
        } else { // in two parts
            write_all(fd, from, length, progress, shared[5]);
            write_all(fd, "\n", 1, progress, shared[5]);
        }
        if (whim % 64 == 0)
            usleep(static_cast<unsigned>(whim >> 8U) % 3000); // so that it also finds the pipe empty
    }
    shared[4] = 1;
    for (;;)
        pause();
}
