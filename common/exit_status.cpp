#include "common/exit_status.h"

#include "common/signal_name.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace procctl {
namespace {

struct named_code {
    int code;
    std::string_view name;
    std::string_view meaning; // for people; only where the daemon's own child half makes the code
};

// The names of systemd.exec(5), "process exit codes".
constexpr auto names = std::to_array<named_code>({
    {0, "SUCCESS", ""},
    {1, "FAILURE", ""},
    {2, "INVALIDARGUMENT", ""},
    {3, "NOTIMPLEMENTED", ""},
    {4, "NOPERMISSION", ""},
    {5, "NOTINSTALLED", ""},
    {6, "NOTCONFIGURED", ""},
    {7, "NOTRUNNING", ""},
    {64, "USAGE", ""},
    {65, "DATAERR", ""},
    {66, "NOINPUT", ""},
    {67, "NOUSER", ""},
    {68, "NOHOST", ""},
    {69, "UNAVAILABLE", ""},
    {70, "SOFTWARE", ""},
    {71, "OSERR", ""},
    {72, "OSFILE", ""},
    {73, "CANTCREAT", ""},
    {74, "IOERR", ""},
    {75, "TEMPFAIL", ""},
    {76, "PROTOCOL", ""},
    {77, "NOPERM", ""},
    {78, "CONFIG", ""},
    {200, "CHDIR", "cannot change to the working directory"},
    {201, "NICE", "the nice level cannot be set"},
    {202, "FDS", "the file descriptors cannot be arranged"},
    {203, "EXEC", "the command cannot be executed"},
    {204, "MEMORY", "out of memory"},
    {205, "LIMITS", "a resource limit cannot be set"},
    {206, "OOM_ADJUST", "the OOM score cannot be adjusted"},
    {207, "SIGNAL_MASK", "the signals cannot be set up"},
    {208, "STDIN", "standard input cannot be set up"},
    {209, "STDOUT", "standard output cannot be set up"},
    {210, "CHROOT", ""},
    {211, "IOPRIO", ""},
    {212, "TIMERSLACK", ""},
    {213, "SECUREBITS", ""},
    {214, "SETSCHEDULER", ""},
    {215, "CPUAFFINITY", ""},
    {216, "GROUP", "the group is unknown or cannot be set"},
    {217, "USER", "the user is unknown or cannot be set"},
    {218, "CAPABILITIES", ""},
    {219, "CGROUP", "the control group cannot be set up"},
    {220, "SETSID", "no new session can be made"},
    {221, "CONFIRM", ""},
    {222, "STDERR", "standard error cannot be set up"},
    {224, "PAM", ""},
    {225, "NETWORK", ""},
    {226, "NAMESPACE", ""},
    {227, "NO_NEW_PRIVILEGES", ""},
    {228, "SECCOMP", ""},
    {229, "SELINUX_CONTEXT", ""},
    {230, "PERSONALITY", ""},
    {231, "APPARMOR", ""},
    {232, "ADDRESS_FAMILIES", ""},
    {233, "RUNTIME_DIRECTORY", ""},
    {235, "CHOWN", ""},
    {236, "SMACK_PROCESS_LABEL", ""},
    {237, "KEYRING", ""},
    {238, "STATE_DIRECTORY", ""},
    {239, "CACHE_DIRECTORY", ""},
    {240, "LOGS_DIRECTORY", ""},
    {241, "CONFIGURATION_DIRECTORY", ""},
    {242, "NUMA_POLICY", ""},
    {243, "CREDENTIALS", ""},
    {244, "BPF", ""},
    {255, "EXCEPTION", ""},
});

const named_code* find_code(int code)
{
    const auto* const found = std::ranges::find(names, code, &named_code::code);
    return found == names.end() ? nullptr : found;
}

constexpr std::string_view white_space = " \t\n\r";

} // namespace

std::string describe(const process_end& end)
{
    switch (end.code) {
    case exit_code_kind::never_ran: return "has not run";
    case exit_code_kind::killed: return "killed by " + signal_name(end.status);
    case exit_code_kind::dumped: return "killed by " + signal_name(end.status) + ", core dumped";
    case exit_code_kind::exited: break;
    }
    std::string text = "exited with status " + std::to_string(end.status);
    // 0 to 7 have names as well, but those are the ones of init scripts, and mislead for any other program.
    const named_code* const named = end.status > 7 ? find_code(end.status) : nullptr;
    if (named == nullptr) return text;
    text += " (" + std::string(named->name);
    if (!named->meaning.empty()) text += ": " + std::string(named->meaning);
    return text + ')';
}

std::string_view exit_code_name(int code)
{
    const named_code* const named = find_code(code);
    return named == nullptr ? std::string_view{} : named->name;
}

result<int> parse_exit_code(std::string_view text)
{
    int number = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (code == std::errc{} && end == text.data() + text.size() && number >= 0 && number <= 255)
        return number;
    const auto* const found = std::ranges::find(names, text, &named_code::name);
    if (found != names.end()) return found->code;
    return make_error("invalid exit status '" + std::string(text) +
                      "': it is a number from 0 to 255 or a name like TEMPFAIL");
}

result<void> exit_status_set::add(std::string_view words)
{
    exit_status_set sum = *this; // nothing changes when a word is wrong
    bool any = false;
    while (true) {
        const auto begin = words.find_first_not_of(white_space);
        if (begin == std::string_view::npos) break;
        words.remove_prefix(begin);
        const std::string_view word = words.substr(0, words.find_first_of(white_space));
        words.remove_prefix(word.size());
        any = true;
        if (const auto code = parse_exit_code(word)) {
            sum.add_code(*code);
            continue;
        }
        const bool is_number = word.find_first_not_of("+-0123456789") == std::string_view::npos;
        const auto signal = parse_signal(word);
        if (is_number || !signal)
            return make_error("invalid exit status '" + std::string(word) +
                              "': allowed are numbers from 0 to 255, names like TEMPFAIL and signals like "
                              "SIGKILL");
        sum.add_signal(*signal);
    }
    *this = any ? sum : exit_status_set{};
    return {};
}

bool exit_status_set::contains(const process_end& end) const
{
    switch (end.code) {
    case exit_code_kind::never_ran: return false;
    case exit_code_kind::exited: return contains_code(end.status);
    case exit_code_kind::killed:
    case exit_code_kind::dumped: return contains_signal(end.status);
    }
    return false;
}

std::string exit_status_set::format() const
{
    std::string text;
    const auto append = [&](const std::string& word) {
        if (!text.empty()) text += ' ';
        text += word;
    };
    for (std::size_t code = 0; code < codes_.size(); ++code)
        if (codes_.test(code)) append(std::to_string(code));
    for (std::size_t signal = 1; signal < signals_.size(); ++signal)
        // 32 and 33 have no name and cannot be asked for.
        if (signals_.test(signal)) append(signal_name(static_cast<int>(signal)));
    return text;
}

} // namespace procctl
