#include "daemon/daemon.h"

#include "daemon/daemon_process.h"
#include "daemon/helpers/helper_main.h"
#include "daemon/os/descriptors.h"
#include "daemon/os/folders.h"
#include "daemon/os/memory.h"
#include "daemon/os/random.h"
#include "daemon/os/unix_listener.h"
#include "daemon/state_words.h"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <filesystem>

#include <sys/stat.h>

namespace procctl {
namespace {

namespace asio = boost::asio;

constexpr duration first_load_limit = std::chrono::seconds(15);
constexpr unsigned drain_limit_ms = 5000;
constexpr unsigned quiet_looks = 40; // 5 ms apart

template <class... Visitors> struct overloaded : Visitors... {
    using Visitors::operator()...;
};
template <class... Visitors> overloaded(Visitors...) -> overloaded<Visitors...>; // clang 14 needs it

// The daemon's own account where no directory service tells: as whoever started us has put it.
identity identity_of_environment()
{
    const auto variable = [](const char* name, std::string otherwise) {
        const char* const value = std::getenv(name);
        return value != nullptr && *value != '\0' ? std::string(value) : std::move(otherwise);
    };
    identity self;
    self.uid = ::geteuid();
    self.gid = ::getegid();
    self.user = variable("USER", std::to_string(self.uid));
    self.home = variable("HOME", "/");
    self.shell = variable("SHELL", "/bin/sh");
    return self;
}

// The state folder is locked by one daemon at a time, and the next one has the same.
std::string name_of(const std::string& state_dir)
{
    struct stat info {};
    if (::stat(state_dir.c_str(), &info) != 0) return std::to_string(::getpid());
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%jx-%jx", std::uintmax_t{info.st_dev},
                  std::uintmax_t{info.st_ino});
    return text.data();
}

} // namespace

daemon_process::daemon_process(load_request request)
    : request_(std::move(request)), signals_(io_, SIGTERM, SIGINT, SIGHUP),
      reaper_(
          io_,
          {.exited = [this](auto token, const auto& end, bool others) { child_exited(token, end, others); },
           .group_empty = [this](auto group) { executor_->group_empty(group); }},
          cgroups_),
      helpers_(io_, [this](pid_t pid, unique_fd pidfd,
                           auto ended) { watch(pid, std::move(pidfd), std::move(ended)); }),
      started_(now().wall)
{
}

int daemon_process::run()
{
    first_load();
    signals_.add(SIGUSR2);
    await_signal();
    for (;;) {
        try {
            io_.run();
            return exit_status_;
        } catch (const std::exception& failure) {
            // Out of memory, or of what epoll may watch. At the start that is the end; later one turn of the
            // loop is lost, and the programs are not.
            if (!server_) {
                give_up(failure.what());
                return exit_status_;
            }
            log_->error(std::string("a turn of the loop ended early: ") + failure.what());
        }
    }
}

// --- Start and end -----------------------------------------------------------------------------------------

void daemon_process::first_load()
{
    helpers_.collect(load_task(request_), first_load_limit, [this](result<std::string> answer) {
        if (answer) return loaded(std::move(answer));
        // A directory service that hangs keeps no program down: the users are looked up when they are needed.
        load_request without_users = request_;
        without_users.look_up_users = false;
        helpers_.collect(load_task(without_users), first_load_limit,
                         [this](result<std::string> second) { loaded(std::move(second)); });
    });
}

void daemon_process::loaded(result<std::string> answer)
{
    if (!answer) return give_up("cannot load the configuration: " + answer.error().message());
    auto configuration = load_result_from_json(*answer);
    if (!configuration) return give_up("cannot load the configuration: " + configuration.error().message());
    if (const auto ready = set_up(std::move(*configuration)); !ready) return give_up(ready.error().message());
    service_manager_.notify("READY=1");
    // The text of the configuration, and what was made of it on the way, is a few times what is kept of it.
    give_back_free_memory();
}

result<void> daemon_process::set_up(load_result loaded)
{
    // Of its own settings the daemon needs all; a problem that has no file is theirs too (no $HOME, say).
    std::string mistakes;
    for (const diagnostic& problem : loaded.problems)
        if (problem.level == severity::error &&
            (problem.where.file.empty() || problem.where.file == loaded.daemon.file))
            mistakes += '\n' + problem.text();
    if (!mistakes.empty()) return make_error("cannot start with these settings:" + mistakes);
    host_.daemon = loaded.daemon;
    host_.host = loaded.host;
    if (::getpid() != 1) host_.manager_pid = ::getpid();
    if (const char* folder = std::getenv("XDG_RUNTIME_DIR");
        folder != nullptr && host_.daemon.where == scope::user)
        host_.runtime_dir_of_user = folder;

    const settings& s = host_.daemon;
    // A folder of programs that is missing at the first start is made, and no mistake; later it is one.
    if (!std::filesystem::exists(s.conf_d))
        std::erase_if(loaded.problems, [&](const diagnostic& d) { return d.where.file == s.conf_d; });
    for (const std::string& folder : {s.conf_d, s.log_dir, s.state_dir})
        if (const auto made = make_folders(folder); !made) return made;
    auto lock = state_lock::acquire(s.state_dir);
    if (!lock) return lock.error();
    lock_ = std::move(*lock);
    socket_gid_ = loaded.socket_gid;
    const bool is_group_missing = !s.socket_group.empty() && !socket_gid_ && s.where == scope::system;
    socket_mode_ = is_group_missing ? 0600 : s.socket_mode;
    auto listener = listen_on(s.socket, socket_mode_, socket_gid_);
    if (!listener) return listener.error();

    output_ = std::make_unique<output_client>(io_, output_settings(), output_handlers());
    log_ =
        std::make_unique<daemon_log>(s.log_level, [this](std::string_view line) { output_->log_line(line); });
    if (const auto started = output_->start(); !started) return started;

    log_->info("procctld " PROCCTL_VERSION " started, pid " + std::to_string(::getpid()) +
               ", programs from " + s.conf_d + ", socket " + s.socket);
    for (const diagnostic& problem : loaded.problems)
        problem.level == severity::error ? log_->error(problem.text()) : log_->warning(problem.text());
    if (is_group_missing)
        log_->warning("group '" + s.socket_group + "' (socket_group) does not exist: only root can use " +
                      s.socket);

    if (s.control_groups) cgroups_.set_up(name_of(s.state_dir));
    log_->info(cgroups_.description());
    programs_ = std::make_unique<supervisor>(random_number());
    streams_ = std::make_unique<output_streams>(
        *output_, output_streams::handlers{.output_ended = [this](instance_id who, const output_ended& what) {
            pump_->fact(who, what);
        }});
    executor_ = std::make_unique<executor>(
        io_, *programs_, reaper_, *streams_, accounts_, helpers_, host_,
        executor::handlers{.fact = [this](instance_id who, const event& what) { pump_->fact(who, what); },
                           .warn = [this](const instance& i,
                                          const std::string& text) { log_->warning(i.name + ": " + text); }});
    if (loaded.self.user.empty()) loaded.self = identity_of_environment();
    accounts_.set(std::move(loaded.identities), std::move(loaded.self));
    pump_ = std::make_unique<event_pump>(
        io_, *programs_,
        event_pump::handlers{.carry_out = [this](const order& o) { carry_out(o); },
                             .settled = [this] { settled(); }});
    updates_ = std::make_unique<configuration_updates>(io_, request_, host_.daemon, *programs_, accounts_,
                                                       *pump_, helpers_, *log_);
    updates_->set_problems(std::move(loaded.problems));
    serve(std::move(*listener));
    orders answer = programs_->apply(std::move(loaded.programs), now());
    log_->info(std::to_string(programs_->size()) + " instances from " + s.conf_d);
    pump_->carry_out(std::move(answer));
    return {};
}

void daemon_process::give_up(const std::string& reason)
{
    // Nothing runs yet and the log may not exist: the caller's terminal, or the journal, is where people
    // look.
    std::fprintf(stderr, "procctld: %s\n", reason.c_str());
    end(1);
}

void daemon_process::serve(unique_fd listener)
{
    server_ = std::make_unique<control_server>(
        io_, std::move(listener), *this, access_rules{.own_uid = ::geteuid()},
        [this](const error& e) { log_->warning("control: " + e.message()); });
}

// Somebody, a cleaner of /run perhaps, may have deleted the socket. Then a signal is the only way left to
// reach us.
void daemon_process::mend_socket()
{
    const std::string& path = host_.daemon.socket;
    if (std::error_code ignored; is_stopping_ || std::filesystem::exists(path, ignored)) return;
    auto listener = listen_on(path, socket_mode_, socket_gid_);
    if (!listener) return log_->error(listener.error().message());
    log_->warning("the control socket " + path + " was gone; made anew");
    serve(std::move(*listener));
}

void daemon_process::await_signal()
{
    signals_.async_wait([this](auto failure, int signal) {
        if (failure) return;
        await_signal();
        if (signal == SIGHUP) {
            if (!updates_) return;
            mend_socket();
            places_.forget_all(); // something may have been mounted
            updates_->submit({false, false, {}, [](const update_report&) {}});
        } else if (signal == SIGUSR2) {
            if (!streams_) return;
            log_->info("opening all logs anew (SIGUSR2)");
            output_->reopen_all();
        } else {
            stop_requested(signal == SIGINT ? "SIGINT" : "SIGTERM");
        }
    });
}

void daemon_process::stop_requested(const std::string& by)
{
    if (!pump_) return end(final_status_);        // nothing was started yet
    if (is_finishing_) return end(final_status_); // all programs are down: what is waited for is a disk
    if (is_stopping_) {
        log_->warning(by + " again: killing what is still there");
        pump_->catch_up();
        pump_->carry_out(programs_->hurry(now()));
        return;
    }
    is_stopping_ = true;
    updates_->refuse_all();
    log_->info("stopping all programs (" + by + ")");
    service_manager_.notify("STOPPING=1");
    pump_->catch_up();
    pump_->carry_out(programs_->shut_down(now()));
}

void daemon_process::finish_stop()
{
    is_finishing_ = true;
    ::unlink(host_.daemon.socket.c_str()); // nobody can have replaced it: the state folder is locked
    log_->info("all programs are down; bye");
    // What the programs said last is written before we go.
    output_->drain(drain_limit_ms, [this] { finish_replies(quiet_looks); });
    // The end of the output process ends the loop (process_ended); one that a frozen disk holds is not waited
    // for.
    limit_.expires_after(std::chrono::milliseconds(2 * drain_limit_ms));
    limit_.async_wait([this](auto canceled) {
        if (!canceled) end(final_status_);
    });
}

// Who waited for a job of these last moments gets the answer: a client hangs up when it has it. One that
// stays connected without a question is not waited for longer than a fifth of a second.
void daemon_process::finish_replies(unsigned looks)
{
    if (looks != 0 && server_->connections() != 0) {
        quiet_timer_.expires_after(std::chrono::milliseconds(5));
        quiet_timer_.async_wait([this, looks](auto canceled) {
            if (!canceled) finish_replies(looks - 1);
        });
        return;
    }
    server_->close();
    is_output_stopping_ = true;
    output_->stop();
}

void daemon_process::end(int status)
{
    exit_status_ = status;
    io_.stop();
}

// --- Output ------------------------------------------------------------------------------------------------

output_client::settings daemon_process::output_settings()
{
    return {.executable = "/proc/self/exe",
            .log_file = host_.daemon.log_file,
            .console = true,
            .find_place = [this](const std::string& path, auto answer) {
                places_.find(path, std::move(answer));
            }};
}

output_client::handlers daemon_process::output_handlers()
{
    return {.stream_reported = [this](const stream_report& r) { stream_reported(r); },
            .process_ended =
                [this](const std::string& how) {
                    if (!is_output_stopping_) log_->error("an output process " + how + "; starting another");
                },
            .process_started =
                [this](pid_t pid, unique_fd pidfd) {
                    watch(pid, std::move(pidfd),
                          [this, pid](const process_end& how) { output_->child_ended(pid, describe(how)); });
                },
            .all_ended = [this] { end(final_status_); }};
}

void daemon_process::stream_reported(const stream_report& r)
{
    const auto* const owner = streams_ ? streams_->owner_of(r.id) : nullptr;
    const instance* const i = owner != nullptr ? programs_->find(owner->who) : nullptr;
    const std::string line = i != nullptr ? i->name + ": " + r.message : r.message;
    if (r.what == stream_report::kind::rotated) {
        log_->debug(line);
        if (owner != nullptr && owner->compress == log_compression::gzip) compressor_.add(r.path);
    } else if (r.what == stream_report::kind::recovered) {
        log_->info(line);
    } else if (streams_ == nullptr || !streams_->is_in_same_trouble(r.id, r.message)) {
        r.what == stream_report::kind::trouble ? log_->error(line) : log_->warning(line);
    }
}

// --- Children ----------------------------------------------------------------------------------------------

void daemon_process::watch(pid_t pid, unique_fd pidfd, std::function<void(const process_end&)> ended)
{
    const reaper::token token = ++last_other_;
    others_.emplace(token, std::move(ended));
    reaper_.watch(token, pid, std::move(pidfd), reaper::no_group);
}

void daemon_process::child_exited(reaper::token token, const process_end& end, bool has_others)
{
    if (executor::is_program(token)) return executor_->child_exited(token, end, has_others);
    if (auto found = others_.extract(token)) found.mapped()(end);
}

// --- The core's answers ------------------------------------------------------------------------------------

void daemon_process::carry_out(const order& o)
{
    std::visit(overloaded{[this](const instance_order& ordered) {
                              const instance* i = programs_->find(ordered.who);
                              if (i != nullptr) carry_out(*i, ordered.what);
                          },
                          [this](const job_finished& job) { jobs_.finished(job.job, job.outcome); },
                          [](const instance_added&) {},
                          [this](const instance_removed& gone) {
                              updates_->touched(gone.who);
                              executor_->forget(gone.who);
                          }},
               o);
}

void daemon_process::carry_out(const instance& i, const action& ordered)
{
    std::visit(overloaded{[&](const check_conditions& what) { executor_->check(i, what); },
                          [&](const start_process& what) { executor_->start(i, what); },
                          [&](const find_main& what) { executor_->find(i, what); },
                          [&](const watch_main& what) { executor_->watch(i, what); },
                          [&](const send_signal& what) { executor_->signal(i, what); },
                          [&](const end_process& what) { executor_->end(i, what); },
                          [&](const store_descriptors& what) { executor_->store(i, what); },
                          [&](const remove_descriptors& what) { executor_->remove(i, what); },
                          [&](const announce_state& what) {
                              updates_->touched(i.id);
                              state_changed(i, what);
                              executor_->state_changed(i);
                          },
                          [](const trigger_others&) {}, // the supervisor has done it
                          [&](const exit_daemon& what) {
                              if (is_stopping_) return;
                              final_status_ = what.exit_status;
                              stop_requested(i.name + " has come to its end");
                          },
                          [&](const finish_job&) {
                              updates_->touched(i.id);
                              executor_->state_changed(i);
                          }},
               ordered);
}

void daemon_process::state_changed(const instance& i, const announce_state& change)
{
    log_->debug(i.name + ": " + std::string(to_text(change.from)) + " -> " + std::string(to_text(change.to)));
    const state_words words = describe_change(i, change.from, change.to);
    if (words.text.empty()) return;
    std::string line = i.name + ": " + words.text;
    if (change.to == sub_state::dead || change.to == sub_state::failed)
        if (const std::string why = executor_->note(i.id); !why.empty()) line += " (" + why + ")";
    words.is_warning ? log_->warning(line) : log_->info(line);
}

void daemon_process::settled()
{
    updates_->settled();
    if (is_stopping_ && !is_finishing_ && programs_->is_all_down()) finish_stop();
}

int run_daemon(const load_request& request)
{
    if (const auto secured = secure_inherited_descriptors(); !secured) {
        std::fprintf(stderr, "procctld: %s\n", secured.error().message().c_str());
        return 1;
    }
    raise_descriptor_limit();
    ::signal(SIGPIPE, SIG_IGN);
    load_request absolute = request; // helpers, which read it, have another working directory
    if (!request.settings_file.empty())
        absolute.settings_file = std::filesystem::absolute(request.settings_file).lexically_normal();
    return daemon_process(std::move(absolute)).run();
}

} // namespace procctl
