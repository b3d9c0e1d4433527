#include "daemon/os/cgroup.h"

#include "daemon/os/process_info.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace procctl {
namespace {

constexpr std::string_view folder_prefix = "procctl.";

unique_fd open_folder(int parent, const char* name)
{
    return unique_fd(::openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
}

std::vector<std::string> folders_in(int folder)
{
    std::vector<std::string> names;
    DIR* const listing = ::fdopendir(open_folder(folder, ".").release());
    if (!listing) return names;
    while (const dirent* const entry = ::readdir(listing))
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.') names.emplace_back(entry->d_name);
    ::closedir(listing);
    return names;
}

// Of a control group, those below it are counted in the links of its folder: the rule is none.
bool has_folders(int folder)
{
    struct stat status {};
    return ::fstat(folder, &status) != 0 || status.st_nlink != 2;
}

// What a process has made below it goes with it: it is empty when the whole is, and of no use to anybody.
bool remove_tree(int parent, const std::string& name)
{
    if (::unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return true;
    const auto folder = open_folder(parent, name.c_str());
    if (!folder) return errno == ENOENT;
    for (const auto& below : folders_in(folder.get()))
        remove_tree(folder.get(), below);
    return ::unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0;
}

void append_processes(int folder, std::vector<pid_t>& found)
{
    // A threaded control group refuses (EOPNOTSUPP); its processes stand in the one above it.
    if (const auto text = read_small_file_at(folder, "cgroup.procs")) {
        const char* at = text->data();
        const char* const end = at + text->size();
        while (at != end) {
            pid_t pid = 0; // and it is 0 for a process outside of our pid namespace
            at = std::from_chars(at, end, pid).ptr;
            if (pid > 0) found.push_back(pid);
            at = std::find(at, end, '\n');
            if (at != end) ++at;
        }
    }
    if (!has_folders(folder)) return;
    for (const auto& below : folders_in(folder))
        if (const auto inner = open_folder(folder, below.c_str())) append_processes(inner.get(), found);
}

// What cgroup.events says; nothing when it is removed (ENODEV).
struct group_events {
    bool is_populated = false;
    bool is_frozen = false;
};
std::optional<group_events> read_events(int events)
{
    std::array<char, 128> text{};
    const ssize_t size = ::pread(events, text.data(), text.size(), 0);
    if (size < 0) return std::nullopt;
    const std::string_view lines(text.data(), static_cast<std::size_t>(size));
    return group_events{lines.find("populated 1") != std::string_view::npos,
                        lines.find("frozen 1") != std::string_view::npos};
}

bool is_populated(int events)
{
    const auto read = read_events(events);
    return read && read->is_populated;
}

// A name that no file of the kernel's can have: those have a '.', as in cgroup.procs, and no leading '_'.
std::string folder_of(const std::string& instance)
{
    assert(!instance.empty() && instance.find('/') == std::string::npos);
    const bool may_collide = instance.front() == '_' || instance.find('.') != std::string::npos;
    return may_collide ? '_' + instance : instance;
}

// Whether a child born in a fresh control group lives; see control_group::is_fertile(). Where the kernel
// refuses to have it born there, nobody is.
bool is_fertile_here(int folder)
{
    constexpr auto trial = "_trial";
    if (::mkdirat(folder, trial, 0755) != 0 && errno != EEXIST) return true;
    const auto group = open_folder(folder, trial);
    clone_args arguments{};
    arguments.flags = CLONE_INTO_CGROUP;
    arguments.exit_signal = SIGCHLD;
    arguments.cgroup = static_cast<std::uint64_t>(group.get());
    const auto child = static_cast<pid_t>(::syscall(SYS_clone3, &arguments, sizeof arguments));
    if (child == 0) ::_exit(0);
    int status = 0;
    const bool has_died = child > 0 && ::waitpid(child, &status, 0) == child && WIFSIGNALED(status);
    remove_tree(folder, trial);
    return !has_died;
}

// That a folder can be made does not say that a process can be put there: the rules of delegation may forbid
// it, or the daemon's own control group be a threaded one. Tried on a child that does nothing else.
result<void> try_folder(int folder)
{
    constexpr auto trial = "_trial";
    if (::mkdirat(folder, trial, 0755) != 0 && errno != EEXIST)
        return last_error("cannot make a control group");
    const auto group = open_folder(folder, trial);
    const unique_fd processes(::openat(group.get(), "cgroup.procs", O_WRONLY | O_CLOEXEC));
    int reason = processes ? 0 : errno;
    if (processes) {
        const pid_t child = ::fork();
        if (child == 0) ::_exit(::write(processes.get(), "0", 1) == 1 ? 0 : errno);
        int status = 0;
        if (child < 0)
            reason = errno;
        else
            reason = ::waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
    }
    remove_tree(folder, trial);
    if (reason != 0) return make_error(reason, "cannot put a process into a control group");
    return {};
}

// Folders of daemons that are gone, and no longer hold their lock. What has processes stays.
void remove_abandoned(int parent)
{
    for (const auto& name : folders_in(parent)) {
        if (!name.starts_with(folder_prefix)) continue;
        const auto folder = open_folder(parent, name.c_str());
        if (folder && ::flock(folder.get(), LOCK_EX | LOCK_NB) == 0) remove_tree(parent, name);
    }
}

// Makes, or finds, the folder of a daemon, and locks it. `path` is its path, for errors.
result<unique_fd> make_locked(int parent, const std::string& name, const std::string& path)
{
    // Another daemon that starts may take it for abandoned before it is locked, lock it and remove it.
    constexpr int most_attempts = 100;
    for (int attempt = 0; attempt < most_attempts; ++attempt) {
        // Others may pass through it, but not open it: who can open it can hold the lock.
        if (::mkdirat(parent, name.c_str(), 0711) != 0 && errno != EEXIST)
            return last_error("cannot make " + path);
        auto folder = open_folder(parent, name.c_str());
        if (!folder && errno != ENOENT) return last_error("cannot open " + path);
        if (!folder) continue;
        if (::flock(folder.get(), LOCK_EX | LOCK_NB) != 0) {
            if (errno != EWOULDBLOCK) return last_error("cannot lock " + path);
            ::usleep(1000);
            continue;
        }
        if (::faccessat(folder.get(), "cgroup.events", F_OK, 0) == 0) return folder;
        if (::unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0)
            return make_error(path + " is no control group");
    }
    return make_error("another daemon uses " + path);
}

} // namespace

control_group::control_group(unique_fd directory, unique_fd events, std::string path, bool is_fertile)
    : directory_(std::move(directory)), events_(std::move(events)), path_(std::move(path)),
      is_fertile_(is_fertile)
{
}

bool control_group::has_processes() const
{
    if (!is_populated(events_.get())) return false;
    // Kernels from 6.19 on count a process a little longer than its parent does, which could have reaped it.
    const auto is_listed = [](int folder) {
        const auto text = read_small_file_at(folder, "cgroup.procs");
        return text && !text->empty();
    };
    return is_listed(directory_.get()) || (has_folders(directory_.get()) && !processes().empty());
}

control_group::condition control_group::state() const
{
    const auto read = read_events(events_.get());
    if (!read) return condition::removed;
    return read->is_frozen ? condition::frozen : condition::sound;
}

result<void> control_group::thaw() const
{
    const unique_fd file(::openat(directory_.get(), "cgroup.freeze", O_WRONLY | O_CLOEXEC));
    if (!file || ::write(file.get(), "0", 1) != 1) return last_error("cannot thaw control group " + path_);
    return {};
}

std::vector<pid_t> control_group::processes() const
{
    std::vector<pid_t> found;
    append_processes(directory_.get(), found);
    return found;
}

bool control_group::contains(pid_t pid) const
{
    const auto theirs = cgroup_of_process(pid);
    if (!theirs.starts_with(path_)) return false;
    const auto rest = std::string_view(theirs).substr(path_.size());
    return rest.empty() || rest.front() == '/' || rest == " (deleted)";
}

result<void> control_group::kill()
{
    const unique_fd file(::openat(directory_.get(), "cgroup.kill", O_WRONLY | O_CLOEXEC));
    if (!file || ::write(file.get(), "1", 1) != 1) return last_error("cannot kill control group " + path_);
    is_fertile_ = false;
    return {};
}

control_groups::control_groups(const std::string& identity, const std::string& proc_self)
{
    set_up(identity, proc_self);
}

void control_groups::set_up(const std::string& identity, const std::string& proc_self)
{
    folder_name_ = std::string(folder_prefix) + identity;
    const auto own = read_small_file(proc_self + "/cgroup");
    const auto group_path = own ? parse_cgroup(*own) : std::string();
    const auto mounts = read_small_file(proc_self + "/mountinfo");
    const auto locations = find_cgroup(group_path, mounts ? *mounts : std::string());
    if (group_path.empty())
        why_not_ = "the kernel has none of version 2";
    else if (locations.empty())
        why_not_ = "that of the daemon, " + group_path + ", is not mounted anywhere";
    for (const auto& location : locations) {
        const auto made = make_folder(location);
        if (made) return;
        why_not_ = made.error().message();
    }
}

control_groups::control_groups(unwanted none) : why_not_(std::move(none.reason)) {}

control_groups::~control_groups()
{
    if (!folder_) return;
    if (const auto parent = open_folder(AT_FDCWD, own_.file_path.c_str()))
        remove_tree(parent.get(), folder_name_);
}

result<void> control_groups::make_folder(const cgroup_location& own)
{
    const auto parent = open_folder(AT_FDCWD, own.file_path.c_str());
    if (!parent) return last_error("cannot open " + own.file_path);
    remove_abandoned(parent.get());
    const auto path = own.file_path + '/' + folder_name_;
    auto folder = make_locked(parent.get(), folder_name_, path);
    if (!folder) return folder.error();
    if (const auto tried = try_folder(folder->get()); !tried) {
        ::unlinkat(parent.get(), folder_name_.c_str(), AT_REMOVEDIR);
        return make_error(tried.error().code.value(), tried.error().context + " in " + path);
    }
    is_fertile_ = is_fertile_here(folder->get());
    folder_ = std::move(*folder);
    own_ = own;
    return {};
}

std::string control_groups::description() const
{
    if (!folder_) return "no control groups: " + why_not_;
    return "control groups in " + own_.file_path + '/' + folder_name_;
}

result<control_group> control_groups::open(const std::string& name)
{
    if (!folder_) return make_error("there are no control groups: " + why_not_);
    const auto folder_name = folder_of(name);
    bool is_fertile = is_fertile_;
    bool is_made = ::mkdirat(folder_.get(), folder_name.c_str(), 0755) == 0;
    if (!is_made && errno == ENOENT) { // somebody has removed the daemon's folder
        folder_.reset();
        if (const auto made = make_folder(own_); !made) {
            why_not_ = made.error().message();
            return made.error();
        }
        is_made = ::mkdirat(folder_.get(), folder_name.c_str(), 0755) == 0;
    }
    if (!is_made && errno == EEXIST) {
        if (remove_tree(folder_.get(), folder_name))
            is_made = ::mkdirat(folder_.get(), folder_name.c_str(), 0755) == 0;
        else
            is_fertile = false; // a process is there; what became of others before is not known
    }
    if (!is_made && is_fertile) return last_error("cannot make control group " + folder_name);
    auto directory = open_folder(folder_.get(), folder_name.c_str());
    if (!directory) return last_error("cannot open control group " + folder_name);
    unique_fd events(::openat(directory.get(), "cgroup.events", O_RDONLY | O_CLOEXEC));
    if (!events) return last_error("cannot open control group " + folder_name);
    const auto above = own_.group_path == "/" ? std::string() : own_.group_path;
    return control_group(std::move(directory), std::move(events),
                         above + '/' + folder_name_ + '/' + folder_name, is_fertile);
}

bool control_groups::remove(const std::string& name) { return remove_tree(folder_.get(), folder_of(name)); }

} // namespace procctl
