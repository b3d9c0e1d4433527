// How a run came to its end, in words: for the explanation of whatever is down or on its way there, and for
// the daemon's log. Pure.
#pragma once

#include "daemon/core/instance_machine.h"

#include <string>
#include <string_view>

namespace procctl {

struct ending {
    std::string text;         // "exited with status 1"; "exec_start_pre exited with status 1"
    bool has_subject = false; // the text says who; else it is the program
    bool takes_note = false;  // the note is in it
    [[nodiscard]] std::string as_clause() const { return (has_subject ? "" : "it ") + text; }
};

// Of the last run; empty when there was none. `note` is what the shell knows of a command that could not be
// executed, or of a process that could not be made; it may be empty.
[[nodiscard]] ending ending_of(const program_config&, const instance_status&, std::string_view note);

// What the last run wrote before it failed: "; its last words: "Address already in use"", the last line that
// is not blank, printable and at most 200 characters of it. Empty where it has not failed, or was silent.
[[nodiscard]] std::string last_words(const instance_status&);

// What to know about this ending, beside how it was: that exit status 143 is no clean end, that notifications
// were ignored. May be empty.
[[nodiscard]] std::string advice_on(const program_config&, const instance_status&);

} // namespace procctl
