#include "daemon/os/spawn_stage.h"

#include "common/result.h"
#include "daemon/os/spawn.h"

#include <errno.h>

namespace procctl {
namespace {

bool is_searched_on_path(const spawn_request& r) { return r.candidates.size() != 1; }

// What a failed execve of `request` most likely means, as the end of a sentence; empty: the errno says it
// all.
std::string exec_hint(const spawn_request& r, int errno_value)
{
    switch (errno_value) {
    case ENOENT:
        if (is_searched_on_path(r)) return "it is in none of the folders of PATH";
        return "if the file is there, what is missing is the interpreter that its first line names after #!, "
               "or the loader of its shared libraries";
    case EACCES:
        return "the file must be executable, and each folder above it searchable, for " +
               (r.who && r.who->changes_user ? "user " + r.who->user : std::string("the daemon's user")) +
               ", on a file system that is not mounted noexec";
    case ENOEXEC:
        return "a script needs a first line such as #!/bin/sh, and a binary must be made for this machine";
    case E2BIG: return "the arguments and the environment together are too long";
    case ETXTBSY: return "the file is open for writing";
    case EAGAIN: return "the user has as many processes as limit_nproc allows";
    default: return {};
    }
}

// The thing that the step was about, to follow to_text(stage) after a space; empty: nothing to name.
std::string subject(const spawn_request& r, spawn_stage stage)
{
    switch (stage) {
    case spawn_stage::exec:
        if (is_searched_on_path(r)) return r.argv.empty() ? std::string() : r.argv.front();
        return r.candidates.front();
    case spawn_stage::chdir: return r.working_directory;
    case spawn_stage::user: return r.who ? r.who->user : std::string();
    case spawn_stage::group: return r.who ? std::to_string(r.who->gid) : std::string();
    case spawn_stage::nice: return r.nice ? std::to_string(*r.nice) : std::string();
    case spawn_stage::oom_adjust:
        return r.oom_score_adjust ? std::to_string(*r.oom_score_adjust) : std::string();
    case spawn_stage::none:
    case spawn_stage::cgroup:
    case spawn_stage::session:
    case spawn_stage::descriptors:
    case spawn_stage::standard_input:
    case spawn_stage::standard_output:
    case spawn_stage::standard_error:
    case spawn_stage::limits:
    case spawn_stage::umask:
    case spawn_stage::signals: return {};
    }
    return {};
}

std::string hint(const spawn_request& r, spawn_stage stage, int errno_value)
{
    if (stage == spawn_stage::exec) return exec_hint(r, errno_value);
    const bool changes_ids = stage == spawn_stage::user || stage == spawn_stage::group;
    if (changes_ids && errno_value == EPERM) return "only a daemon that runs as root can change users";
    return {};
}

} // namespace

std::string_view to_text(spawn_stage stage)
{
    switch (stage) {
    case spawn_stage::none: return "";
    case spawn_stage::cgroup: return "cannot enter the control group";
    case spawn_stage::session: return "cannot start a session";
    case spawn_stage::descriptors: return "cannot close the daemon's descriptors";
    case spawn_stage::standard_input: return "cannot set up standard input";
    case spawn_stage::standard_output: return "cannot set up standard output";
    case spawn_stage::standard_error: return "cannot set up standard error";
    case spawn_stage::oom_adjust: return "cannot set the OOM score adjustment";
    case spawn_stage::nice: return "cannot set the nice level";
    case spawn_stage::limits: return "cannot set the resource limits";
    case spawn_stage::umask: return "cannot set the umask";
    case spawn_stage::group: return "cannot change to group";
    case spawn_stage::user: return "cannot change to user";
    case spawn_stage::chdir: return "cannot change to the working directory";
    case spawn_stage::signals: return "cannot reset the signals";
    case spawn_stage::exec: return "cannot execute";
    }
    return "";
}

std::string describe_failure(const spawn_request& request, spawn_stage stage, int errno_value)
{
    std::string tried(to_text(stage));
    if (const auto what = subject(request, stage); !what.empty()) tried += ' ' + what;
    auto sentence = make_error(errno_value, std::move(tried)).message();
    if (const auto more = hint(request, stage, errno_value); !more.empty()) sentence += "; " + more;
    return sentence;
}

} // namespace procctl
