#include "common/signal_name.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <signal.h>

namespace procctl {
namespace {

struct named_signal {
    std::string_view name;
    int number;
};

constexpr auto names = std::to_array<named_signal>({
    {"HUP", SIGHUP},   {"INT", SIGINT},       {"QUIT", SIGQUIT}, {"ILL", SIGILL},       {"TRAP", SIGTRAP},
    {"ABRT", SIGABRT}, {"BUS", SIGBUS},       {"FPE", SIGFPE},   {"KILL", SIGKILL},     {"USR1", SIGUSR1},
    {"SEGV", SIGSEGV}, {"USR2", SIGUSR2},     {"PIPE", SIGPIPE}, {"ALRM", SIGALRM},     {"TERM", SIGTERM},
    {"CHLD", SIGCHLD}, {"STKFLT", SIGSTKFLT}, {"CONT", SIGCONT}, {"STOP", SIGSTOP},     {"TSTP", SIGTSTP},
    {"TTIN", SIGTTIN}, {"TTOU", SIGTTOU},     {"URG", SIGURG},   {"XCPU", SIGXCPU},     {"XFSZ", SIGXFSZ},
    {"PROF", SIGPROF}, {"WINCH", SIGWINCH},   {"IO", SIGIO},     {"VTALRM", SIGVTALRM}, {"PWR", SIGPWR},
    {"SYS", SIGSYS},
});

// glibc keeps 32 and 33 to itself. The numbers are written down because SIGRTMIN is a function call there,
// and its value part of the ABI.
constexpr int first_realtime = 34;
constexpr int last_realtime = 64;

bool parse_number(std::string_view text, int& value)
{
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    return code == std::errc{} && end == text.data() + text.size();
}

int find_name(std::string_view name)
{
    const auto* const found = std::ranges::find(names, name, &named_signal::name);
    return found == names.end() ? 0 : found->number;
}

// "RTMIN", "RTMIN+3", "RTMAX-1"; 0 when it is none of them or out of range.
int parse_realtime(std::string_view text)
{
    const bool from_below = text.starts_with("RTMIN");
    if (!from_below && !text.starts_with("RTMAX")) return 0;
    text.remove_prefix(5);
    if (text.empty()) return from_below ? first_realtime : last_realtime;
    int offset = 0;
    if (text.front() != (from_below ? '+' : '-') || !parse_number(text.substr(1), offset)) return 0;
    if (offset < 0 || offset > last_realtime - first_realtime) return 0;
    return from_below ? first_realtime + offset : last_realtime - offset;
}

std::string upper_case(std::string_view text)
{
    std::string upper(text);
    for (char& c : upper)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    return upper;
}

int parse_name(std::string_view text)
{
    if (text.starts_with("SIG")) text.remove_prefix(3);
    if (const int number = find_name(text)) return number;
    return parse_realtime(text);
}

} // namespace

result<int> parse_signal(std::string_view text)
{
    if (int number = 0; parse_number(text, number)) {
        if (number >= 1 && number <= last_realtime) return number;
        return make_error("invalid signal '" + std::string(text) + "': numbers go from 1 to 64");
    }
    if (const int number = parse_name(text)) return number;
    const std::string upper = upper_case(text);
    if (const int number = parse_name(upper))
        return make_error("unknown signal '" + std::string(text) + "': write " + signal_name(number));
    return make_error("unknown signal '" + std::string(text) +
                      "': signals are SIGTERM, TERM, 15, SIGRTMIN+0 to SIGRTMIN+30 and the like (signal(7))");
}

std::string signal_name(int signal)
{
    const auto* const found = std::ranges::find(names, signal, &named_signal::number);
    if (found != names.end()) return "SIG" + std::string(found->name);
    if (signal == first_realtime) return "SIGRTMIN";
    if (signal > first_realtime && signal <= last_realtime)
        return "SIGRTMIN+" + std::to_string(signal - first_realtime);
    return std::to_string(signal);
}

} // namespace procctl
