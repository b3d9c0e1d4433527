#include "daemon/os/signal_each.h"

#include "daemon/os/pidfd.h"

#include <string>

#include <errno.h>
#include <signal.h>

namespace procctl {
namespace {

// One that forks faster than it can be found, and survives the signal, would hold us up.
constexpr int most_rounds = 64;

int signal_one(const held_process& process, int signal)
{
    if (process.pidfd) return send_signal(process.pidfd.get(), signal);
    return ::kill(process.pid, signal) == 0 ? 0 : errno;
}

} // namespace

result<bool> signal_each(const find_processes& find, int signal, std::span<const pid_t> except)
{
    std::unordered_set<pid_t> known(except.begin(), except.end());
    bool was_anybody = false;
    error first{};
    for (int round = 0; round < most_rounds; ++round) {
        bool is_anybody_new = false;
        for (const auto& process : find(known)) {
            if (!known.insert(process.pid).second) continue;
            is_anybody_new = true;
            const int failed = signal_one(process, signal);
            if (failed == 0) was_anybody = true;
            if (failed != 0 && failed != ESRCH && !first.code)
                first = make_error(failed, "cannot signal process " + std::to_string(process.pid));
        }
        if (!is_anybody_new) break;
    }
    if (!was_anybody && first.code) return first;
    return was_anybody;
}

} // namespace procctl
