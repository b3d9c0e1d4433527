// What the world can do wrong, as a value: result<T> holds a T or an error that says what was tried.
//
// A function either logs or returns the error, never both. The layer that knows the name of the thing
// adds it: `return last_error("cannot open " + path)`. Text: "cannot <verb> <thing>", lower case, no full
// stop.
#pragma once

#include <boost/system/result.hpp>

#include <string>
#include <system_error>

namespace procctl {

struct error {
    std::error_code code; // 0 when there is no errno behind it, only the sentence
    std::string context;  // what was tried: "cannot open /etc/procctl/procctl.yaml"

    // "cannot open /x: No such file or directory"
    [[nodiscard]] std::string message() const;
};

template <class T> using result = boost::system::result<T, error>;

// The error of the system call that has just failed (reads errno).
[[nodiscard]] error last_error(std::string context);
[[nodiscard]] error make_error(int errno_value, std::string context);
// An error that has no errno: the sentence says it all.
[[nodiscard]] error make_error(std::string sentence);

// Called by boost::system::result when value() is used on an error: a bug of the caller's.
[[noreturn]] void throw_exception_from_error(const error&, const boost::source_location&);

} // namespace procctl
