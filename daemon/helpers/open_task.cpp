#include "daemon/helpers/open_task.h"

#include "daemon/helpers/tasks.h"
#include "daemon/os/descriptor_message.h"

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace procctl {
namespace {

namespace json = boost::json;

constexpr std::array accesses = {file_access::read, file_access::read_write, file_access::write,
                                 file_access::append, file_access::truncate};
constexpr std::array stages = {spawn_stage::standard_input, spawn_stage::standard_output,
                               spawn_stage::standard_error};
constexpr std::array<std::string_view, 3> stream_names = {"standard input", "standard output",
                                                          "standard error"};

int flags_of(file_access access)
{
    switch (access) {
    case file_access::read: return O_RDONLY;
    case file_access::read_write: return O_RDWR | O_CREAT;
    case file_access::write: return O_WRONLY | O_CREAT;
    case file_access::append: return O_WRONLY | O_CREAT | O_APPEND;
    case file_access::truncate: return O_WRONLY | O_CREAT | O_TRUNC;
    }
    return O_RDONLY;
}

// A stream socket connected to the one at the path, with only the direction open that was asked for. Errors:
// errno; ENXIO: there is no socket.
unique_fd connect_to(const char* path, file_access access)
{
    const unique_fd there(::open(path, O_PATH | O_CLOEXEC));
    struct stat facts {};
    if (!there || ::fstat(there.get(), &facts) != 0) return {};
    if (!S_ISSOCK(facts.st_mode)) {
        errno = ENXIO;
        return {};
    }
    // By its descriptor, since the path itself may be longer than the 107 bytes of an address.
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::ranges::copy("/proc/self/fd/" + std::to_string(there.get()), address.sun_path);
    unique_fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket || ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return {};
    if (access == file_access::read) ::shutdown(socket.get(), SHUT_WR);
    if (access != file_access::read && access != file_access::read_write) ::shutdown(socket.get(), SHUT_RD);
    return socket;
}

// Waits as long as it takes. Errors: errno.
unique_fd open_file(file_access access, const char* path, mode_t mode)
{
    unique_fd file(::open(path, flags_of(access) | O_CLOEXEC | O_NOCTTY, mode));
    if (file || errno != ENXIO) return file;
    return connect_to(path, access); // ENXIO is also what open(2) says of a socket
}

std::optional<file_access> access_from(std::string_view word)
{
    const auto* const found =
        std::ranges::find_if(accesses, [&](file_access access) { return to_text(access) == word; });
    return found == accesses.end() ? std::nullopt : std::optional(*found);
}

std::size_t first_stream(const stream_file& file)
{
    return static_cast<std::size_t>(std::ranges::find(file.is_for, true) - file.is_for.begin());
}

// Where the errno alone leaves one guessing.
std::string_view hint(file_access access, int errno_value)
{
    if (errno_value == ENOENT && access != file_access::read) return "; its folder must exist";
    if (errno_value == ECONNREFUSED) return "; nobody listens at this socket";
    if (errno_value == EPROTOTYPE) return "; only a stream socket can be a standard stream";
    return {};
}

open_failure failure_of(const stream_file& file, int errno_value)
{
    const std::size_t stream = first_stream(file);
    const std::string tried = "cannot open " + std::string(stream_names[stream]) + ' ' + file.path;
    return {.stage = stages[stream],
            .errno_value = errno_value,
            .sentence =
                make_error(errno_value, tried).message() + std::string(hint(file.access, errno_value))};
}

open_failure failure_of(const stream_file& file, const error& why)
{
    const std::size_t stream = first_stream(file);
    return {.stage = stages[stream],
            .errno_value = 0,
            .sentence =
                "cannot open " + std::string(stream_names[stream]) + ' ' + file.path + ": " + why.message()};
}

} // namespace

std::vector<std::string> open_task(const stream_choices& choices)
{
    std::vector<std::string> task{"open", std::to_string(choices.umask)};
    for (const stream_file& file : files_to_open(choices)) {
        task.emplace_back(to_text(file.access));
        task.push_back(file.path);
    }
    return task;
}

int run_open_task(std::span<const std::string> arguments)
{
    if (arguments.size() < 3 || arguments.size() % 2 == 0) return 2;
    ::umask(static_cast<mode_t>(std::stoul(arguments[0])));
    std::vector<unique_fd> files;
    int failed = 0;
    for (std::size_t i = 1; i < arguments.size(); i += 2) {
        const auto access = access_from(arguments[i]);
        if (!access) return 2;
        unique_fd file = open_file(*access, arguments[i + 1].c_str(), 0666);
        if (!file) {
            failed = errno;
            break;
        }
        files.push_back(std::move(file));
    }
    std::vector<int> passed;
    if (failed == 0)
        for (const unique_fd& file : files)
            passed.push_back(file.get());
    const std::string answer = json::serialize(json::object{{"opened", files.size()}, {"errno", failed}});
    return send_with_descriptors(STDOUT_FILENO, answer, passed) ? 0 : 1;
}

result<open_answer> open_answer_from_json(std::string_view text)
try {
    const json::value parsed = json::parse(json::string_view(text.data(), text.size()));
    return open_answer{.opened = json::value_to<std::size_t>(parsed.at("opened")),
                       .errno_value = json::value_to<int>(parsed.at("errno"))};
} catch (const std::exception& failure) {
    return make_error(std::string("cannot understand a helper's answer: ") + failure.what());
}

std::variant<opened_files, open_failure> take_opened_files(const stream_choices& choices,
                                                           result<helper_delivery> delivery)
{
    const auto asked = files_to_open(choices);
    if (!delivery) return failure_of(asked.front(), delivery.error());
    const auto answer = open_answer_from_json(delivery->text);
    if (!answer) return failure_of(asked.front(), answer.error());
    if (answer->errno_value > 0 && answer->opened < asked.size())
        return failure_of(asked[answer->opened], answer->errno_value);
    if (answer->errno_value != 0 || delivery->descriptors.size() != asked.size())
        return failure_of(asked.front(), make_error("a helper's answer is not what it was asked for"));
    opened_files opened;
    opened.files = std::move(delivery->descriptors);
    for (std::size_t n = 0; n < asked.size(); ++n)
        for (std::size_t stream = 0; stream < 3; ++stream)
            if (asked[n].is_for[stream]) opened.standard[stream] = opened.files[n];
    return opened;
}

} // namespace procctl
