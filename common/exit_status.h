// How a process ended, and sets of such endings (success_exit_status and its like).
//
// The names of exit codes are systemd.exec(5)'s "process exit codes": CHDIR 200, EXEC 203, USER 217 …, plus
// sysexits' TEMPFAIL 75 and CONFIG 78 as systemd knows them.
#pragma once

#include "common/result.h"

#include <bitset>
#include <compare>
#include <string>
#include <string_view>
#include <vector>

namespace procctl {

// The values are those of si_code (CLD_EXITED …) and of systemctl show's ExecMainCode.
enum class exit_code_kind { never_ran = 0, exited = 1, killed = 2, dumped = 3 };

struct process_end {
    exit_code_kind code = exit_code_kind::never_ran;
    int status = 0; // an exit code when exited, else a signal number

    friend bool operator==(const process_end&, const process_end&) = default;
};

// For people: "exited with status 203 (EXEC: the command cannot be executed)", "killed by SIGKILL",
// "killed by SIGSEGV, core dumped".
[[nodiscard]] std::string describe(const process_end&);

// "EXEC" for 203, "TEMPFAIL" for 75; empty when the code has no name.
[[nodiscard]] std::string_view exit_code_name(int code);

// A number 0..255 or a name.
[[nodiscard]] result<int> parse_exit_code(std::string_view text);

// SuccessExitStatus= and its like: exit codes and signals. A bare number is an exit code, never a signal.
class exit_status_set {
public:
    // Adds what the words of the text name: "1 TEMPFAIL SIGKILL"; an empty text clears, as in systemd.
    [[nodiscard]] result<void> add(std::string_view words);
    void add_code(int code) { codes_.set(static_cast<std::size_t>(code)); }
    void add_signal(int signal) { signals_.set(static_cast<std::size_t>(signal)); }
    [[nodiscard]] bool contains_code(int code) const { return codes_.test(static_cast<std::size_t>(code)); }
    [[nodiscard]] bool contains_signal(int s) const { return signals_.test(static_cast<std::size_t>(s)); }
    // Whether the set names this ending; a core dump counts as its signal. A process that never ran: false.
    [[nodiscard]] bool contains(const process_end&) const;
    [[nodiscard]] bool empty() const { return codes_.none() && signals_.none(); }
    // Canonical: "1 75 SIGKILL", codes first, ascending.
    [[nodiscard]] std::string format() const;

    friend bool operator==(const exit_status_set&, const exit_status_set&) = default;

private:
    std::bitset<256> codes_;
    std::bitset<65> signals_;
};

} // namespace procctl
