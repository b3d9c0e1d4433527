// Programs that write much, and what moving that costs without a supervisor: for `tests/bench/run output`.
//
//   output_load write SIZE COUNT [STAMPS]
//       writes so many lines (0: endlessly) to standard output, SIZE bytes at a time, and then when it began
//       and ended (CLOCK_MONOTONIC, ns, 8 bytes each) to the file STAMPS
//   output_load move busy|nap FILE COMMAND…
//       splices what the command writes to the file: at once, or with a nap of 1 ms after each small move;
//       prints the CPU seconds that it used itself
//   output_load check COUNT FILE…
//       whether the files, one after the other, hold whole lines that follow each other up to the last;
//       prints the number of the first one
//
// A line has 100 bytes and begins with its number, counted from 0.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

namespace {

constexpr std::size_t line_size = 100;
constexpr std::size_t digits = 12;
constexpr int pipe_size = 1 << 20;

[[noreturn]] void give_up(const char* what)
{
    std::perror(what);
    std::exit(1);
}

[[noreturn]] void refuse(const std::string& why)
{
    std::fprintf(stderr, "%s\n", why.c_str());
    std::exit(1);
}

long now_ns()
{
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1'000'000'000L + t.tv_nsec;
}

void write_all(int fd, std::string_view text)
{
    while (!text.empty()) {
        const ssize_t size = write(fd, text.data(), text.size());
        if (size < 0 && errno != EINTR) give_up("write");
        if (size > 0) text.remove_prefix(static_cast<std::size_t>(size));
    }
}

// The next number in the place of the last.
void count_up(char* number)
{
    for (char* digit = number + digits - 1; digit >= number; --digit) {
        if (*digit != '9') {
            ++*digit;
            return;
        }
        *digit = '0';
    }
}

std::string line_of(std::size_t number)
{
    std::string text = std::to_string(number);
    text.insert(0, digits - text.size(), '0');
    text.append(line_size - 1 - digits, '.');
    return text + '\n';
}

void write_lines(std::size_t size, std::size_t count, const char* stamps)
{
    if (size == 0 || size % line_size != 0) refuse("SIZE is a multiple of 100");
    const std::size_t lines = size / line_size;
    std::string text;
    for (std::size_t n = 0; n < lines; ++n)
        text += line_of(n);
    std::string next = line_of(lines);
    const long begin = now_ns();
    for (std::size_t done = 0; count == 0 || done < count; done += lines) {
        const std::size_t left = count == 0 ? lines : count - done;
        write_all(STDOUT_FILENO, std::string_view(text).substr(0, left * line_size));
        for (std::size_t n = 0; n < lines; ++n) {
            std::memcpy(text.data() + n * line_size, next.data(), digits);
            count_up(next.data());
        }
    }
    if (stamps == nullptr) return;
    const std::array<long, 2> times{begin, now_ns()};
    const int fd = open(stamps, O_WRONLY | O_CLOEXEC);
    if (fd < 0) give_up(stamps);
    write_all(fd, {reinterpret_cast<const char*>(times.data()), sizeof times});
}

void move(bool naps, const char* path, char** command)
{
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) give_up("pipe2");
    fcntl(ends[1], F_SETPIPE_SZ, pipe_size);
    const pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        execv(command[0], command);
        _exit(127);
    }
    close(ends[1]);
    const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0) give_up(path);
    for (;;) {
        const ssize_t size = splice(ends[0], nullptr, file, nullptr, pipe_size, 0);
        if (size < 0 && errno != EINTR) give_up("splice");
        if (size == 0) break;
        if (naps && size < pipe_size / 2) usleep(1000);
    }
    int status = 0;
    if (waitpid(child, &status, 0) != child || status != 0) refuse("the command has failed");
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    std::printf("%.6f\n", static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                              static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6);
}

void check(std::size_t count, char** files)
{
    std::string expected; // the next line
    std::size_t first = 0;
    std::size_t lines = 0;
    for (; *files != nullptr; ++files) {
        std::FILE* const file = std::fopen(*files, "rb");
        if (file == nullptr) give_up(*files);
        std::array<char, line_size> line{};
        std::size_t size = 0;
        while ((size = std::fread(line.data(), 1, line.size(), file)) == line.size()) {
            if (expected.empty()) {
                first = std::strtoul(line.data(), nullptr, 10);
                expected = line_of(first);
            }
            if (std::string_view(line.data(), line.size()) != expected)
                refuse(std::string(*files) + ": expected line " + expected.substr(0, digits) + ", found " +
                       std::string(line.data(), line.size()));
            count_up(expected.data());
            ++lines;
        }
        if (size != 0) refuse(std::string(*files) + " ends within a line");
        std::fclose(file);
    }
    if (first + lines != count)
        refuse("the last line is " + std::to_string(first + lines) + " of " + std::to_string(count));
    std::printf("%zu\n", first);
}

} // namespace

int main(int argc, char** argv)
{
    const std::string_view what = argc < 4 ? "" : argv[1];
    if (what == "write")
        write_lines(std::strtoul(argv[2], nullptr, 10), std::strtoul(argv[3], nullptr, 10), argv[4]);
    else if (what == "move" && argc > 4)
        move(argv[2] == std::string_view("nap"), argv[3], argv + 4);
    else if (what == "check")
        check(std::strtoul(argv[2], nullptr, 10), argv + 3);
    else
        return 2;
}
