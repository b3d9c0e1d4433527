#include "daemon/core/snapshot.h"

#include "common/instance_name.h"
#include "common/log_settings.h"
#include "daemon/core/program_keys.h"

#include <boost/json.hpp>

#include <array>
#include <set>
#include <type_traits>

namespace procctl {
namespace {

namespace json = boost::json;

constexpr std::array pending_jobs{pending_job::none, pending_job::start, pending_job::restart};
constexpr std::array time_limits{time_limit::none,  time_limit::start,   time_limit::stop,
                                 time_limit::abort, time_limit::runtime, time_limit::watchdog};
constexpr std::array exec_commands{exec_command::condition,  exec_command::start_pre, exec_command::start,
                                   exec_command::start_post, exec_command::reload,    exec_command::stop,
                                   exec_command::stop_post};
constexpr std::array notify_states{notify_state::unknown, notify_state::ready, notify_state::reloading,
                                   notify_state::stopping};
constexpr std::array restart_reasons{restart_reason::stop_requested,      restart_reason::survivors,
                                     restart_reason::prevented_by_status, restart_reason::forced_by_status,
                                     restart_reason::policy_restarts,     restart_reason::policy_stays};

std::string_view to_text(pending_job job)
{
    switch (job) {
    case pending_job::none: return "none";
    case pending_job::start: return "start";
    case pending_job::restart: return "restart";
    }
    return {};
}

std::string_view to_text(time_limit limit)
{
    switch (limit) {
    case time_limit::none: return "none";
    case time_limit::start: return "start";
    case time_limit::stop: return "stop";
    case time_limit::abort: return "abort";
    case time_limit::runtime: return "runtime";
    case time_limit::watchdog: return "watchdog";
    }
    return {};
}

std::string_view to_text(notify_state state)
{
    switch (state) {
    case notify_state::unknown: return "unknown";
    case notify_state::ready: return "ready";
    case notify_state::reloading: return "reloading";
    case notify_state::stopping: return "stopping";
    }
    return {};
}

// Finds the enumerator by its text; absent when there is none.
template <class Enum, std::size_t N>
std::optional<Enum> parse_enum(const std::array<Enum, N>& all, std::string_view text)
{
    for (const Enum e : all)
        if (to_text(e) == text) return e;
    return std::nullopt;
}

std::optional<sub_state> parse(std::string_view text, sub_state) { return parse_sub_state(text); }
std::optional<service_result> parse(std::string_view text, service_result)
{
    return parse_service_result(text);
}
std::optional<pending_job> parse(std::string_view text, pending_job)
{
    return parse_enum(pending_jobs, text);
}
std::optional<time_limit> parse(std::string_view text, time_limit) { return parse_enum(time_limits, text); }
std::optional<exec_command> parse(std::string_view text, exec_command)
{
    return parse_enum(exec_commands, text);
}
std::optional<notify_state> parse(std::string_view text, notify_state)
{
    return parse_enum(notify_states, text);
}
std::optional<restart_reason> parse(std::string_view text, restart_reason)
{
    return parse_enum(restart_reasons, text);
}

// The fields of each structure, named once for writing and for reading. The bindings name every member, so
// that a new one cannot be forgotten here: then this no longer compiles.
template <class Archive, class T> void visit_end(Archive& a, T& end)
{
    auto& [code, status] = end;
    a("code", code);
    a("status", status);
}
template <class Archive, class T> void visit_failure(Archive& a, T& failure)
{
    auto& [exit_status, errno_value] = failure;
    a("exit_status", exit_status);
    a("errno", errno_value);
}
template <class Archive, class T> void visit_invocation(Archive& a, T& id)
{
    auto& [run, serial] = id;
    a("run", run);
    a("serial", serial);
}
template <class Archive, class T> void visit_window(Archive& a, T& window)
{
    auto& [begin, starts] = window;
    a("begin", begin);
    a("starts", starts);
}

template <class Archive, class T> void visit_culprit(Archive& a, T& culprit)
{
    auto& [command, index, end, failure] = culprit;
    a("command", command);
    a("index", index);
    a.object("end", end, [](auto& inner, auto& v) { visit_end(inner, v); });
    a.object("failure", failure, [](auto& inner, auto& v) { visit_failure(inner, v); });
}
template <class Archive, class T> void visit_monitored(Archive& a, T& monitored)
{
    auto& [unit, result, exec_main, invocation] = monitored;
    a("unit", unit);
    a("result", result);
    a.object("exec_main", exec_main, [](auto& inner, auto& v) { visit_end(inner, v); });
    a.object("invocation", invocation, [](auto& inner, auto& v) { visit_invocation(inner, v); });
}

template <class Archive, class T> void visit_run_end(Archive& a, T& run)
{
    auto& [result, exec_main, at, invocation, output] = run;
    a("result", result);
    a.object("exec_main", exec_main, [](auto& inner, auto& v) { visit_end(inner, v); });
    a("at", at);
    a.object("invocation", invocation, [](auto& inner, auto& v) { visit_invocation(inner, v); });
    a.bytes("output", output, log_settings::max_tail_size);
}

template <class Archive, class Status> void visit_status(Archive& a, Status& s)
{
    auto& [state, announced, result, reload_result, expired, culprit, main_pid, main_serial, is_main_known,
           is_main_alien, control_pid, control_serial, control_failure, control_command, control_index,
           main_index, last_serial, sought_serial, has_others, exec_main, exec_main_failure, invocation,
           monitored, notified, status_text, status_errno, notified_exit_status, watchdog_override,
           ignored_notifications, reload_begin, n_restarts, flush_n_restarts, delay_step, stop_requested,
           pending, start_job, stop_job, restart_job, reload_job, reload_again, check_serial,
           condition_failed, start_limit_refused, last_decision, start_limit, deadline, watchdog_deadline,
           active_since, state_change, active_enter, active_exit, inactive_enter, inactive_exit,
           exec_main_start, exec_main_exit, last_run] = s;
    a("state", state);
    a("announced", announced);
    a("result", result);
    a("reload_result", reload_result);
    a("expired", expired);
    a.optional("culprit", culprit, [](auto& inner, auto& v) { visit_culprit(inner, v); });
    a("main_pid", main_pid);
    a("main_serial", main_serial);
    a("is_main_known", is_main_known);
    a("is_main_alien", is_main_alien);
    a("control_pid", control_pid);
    a("control_serial", control_serial);
    a.object("control_failure", control_failure, [](auto& inner, auto& v) { visit_failure(inner, v); });
    a("control_command", control_command);
    a("control_index", control_index);
    a("main_index", main_index);
    a("last_serial", last_serial);
    a("sought_serial", sought_serial);
    a("has_others", has_others);
    a.object("exec_main", exec_main, [](auto& inner, auto& v) { visit_end(inner, v); });
    a.object("exec_main_failure", exec_main_failure, [](auto& inner, auto& v) { visit_failure(inner, v); });
    a.object("invocation", invocation, [](auto& inner, auto& v) { visit_invocation(inner, v); });
    a.optional("monitored", monitored, [](auto& inner, auto& v) { visit_monitored(inner, v); });
    a("notified", notified);
    a("status_text", status_text);
    a("status_errno", status_errno);
    a("notified_exit_status", notified_exit_status);
    a("watchdog_override", watchdog_override);
    a("ignored_notifications", ignored_notifications);
    a("reload_begin", reload_begin);
    a("n_restarts", n_restarts);
    a("flush_n_restarts", flush_n_restarts);
    a("delay_step", delay_step);
    a("stop_requested", stop_requested);
    a("pending", pending);
    a("start_job", start_job);
    a("stop_job", stop_job);
    a("restart_job", restart_job);
    a("reload_job", reload_job);
    a("reload_again", reload_again);
    a("check_serial", check_serial);
    a("condition_failed", condition_failed);
    a("start_limit_refused", start_limit_refused);
    a("last_decision", last_decision);
    a.object("start_limit", start_limit, [](auto& inner, auto& v) { visit_window(inner, v); });
    a("deadline", deadline);
    a("watchdog_deadline", watchdog_deadline);
    a("active_since", active_since);
    a("state_change", state_change);
    a("active_enter", active_enter);
    a("active_exit", active_exit);
    a("inactive_enter", inactive_enter);
    a("inactive_exit", inactive_exit);
    a("exec_main_start", exec_main_start);
    a("exec_main_exit", exec_main_exit);
    a.object("last_run", last_run, [](auto& inner, auto& v) { visit_run_end(inner, v); });
}

// Fills a JSON object.
class writer {
public:
    explicit writer(json::object& to) : to_(to) {}

    template <class T> void operator()(std::string_view key, const T& value) { to_[key] = as_json(value); }
    template <class T, class Visit> void object(std::string_view key, const T& value, Visit visit)
    {
        json::object inner(to_.storage());
        writer w(inner);
        visit(w, value);
        to_[key] = std::move(inner);
    }

    // Foreign bytes, which need not be UTF-8 as a text of JSON has to be: a character for each, U+0000 to
    // U+00FF.
    void bytes(std::string_view key, const std::string& value, std::size_t)
    {
        json::string text(to_.storage());
        text.reserve(value.size());
        for (const char c : value) {
            const auto byte = static_cast<unsigned char>(c);
            if (byte >= 0x80) text.push_back(static_cast<char>(0xc0U | byte >> 6U));
            text.push_back(byte < 0x80 ? c : static_cast<char>(0x80U | (byte & 0x3fU)));
        }
        to_[key] = std::move(text);
    }

    // null when there is none
    template <class T, class Visit>
    void optional(std::string_view key, const std::optional<T>& value, Visit visit)
    {
        if (value)
            object(key, *value, visit);
        else
            to_[key] = nullptr;
    }

private:
    static json::value as_json(bool v) { return v; }
    static json::value as_json(const std::string& v) { return json::value(v); }
    static json::value as_json(duration v) { return v.count(); }
    template <class T> static json::value as_json(const std::optional<T>& v)
    {
        return v ? as_json(*v) : json::value(nullptr);
    }
    static json::value as_json(int v) { return v; }
    static json::value as_json(unsigned v) { return v; }
    static json::value as_json(std::uint64_t v) { return v; }
    static json::value as_json(exit_code_kind v) { return static_cast<int>(v); }
    static json::value as_json(time_point v)
    {
        return v == never ? json::value(nullptr) : json::value(v.time_since_epoch().count());
    }
    static json::value as_json(wall_time v) { return v.time_since_epoch().count(); }
    template <class Enum> static json::value as_json(Enum v) requires std::is_enum_v<Enum>
    {
        return json::value(to_text(v));
    }

    json::object& to_;
};

// Reads a JSON object. The first thing that is missing or wrong is remembered; after it nothing is read.
class reader {
public:
    reader(const json::object& from, std::string place, std::string& problem)
        : from_(from), place_(std::move(place)), problem_(problem)
    {
    }

    template <class T> void operator()(std::string_view key, T& value)
    {
        const json::value* found = find(key);
        if (found != nullptr && !read(*found, value)) report(key, "has a value that it cannot have");
    }
    template <class T, class Visit> void object(std::string_view key, T& value, Visit visit)
    {
        const json::value* found = find(key);
        if (found == nullptr) return;
        if (!found->is_object()) return report(key, "is no object");
        reader r(found->get_object(), place_ + std::string(key) + '.', problem_);
        visit(r, value);
    }
    // At most `most` of them.
    void bytes(std::string_view key, std::string& value, std::size_t most)
    {
        const json::value* found = find(key);
        if (found == nullptr) return;
        const json::string* text = found->if_string();
        if (text == nullptr || !read_bytes(*text, value) || value.size() > most)
            report(key, "has a value that it cannot have");
    }
    template <class T, class Visit> void optional(std::string_view key, std::optional<T>& value, Visit visit)
    {
        value.reset();
        if (const json::value* found = find(key); found != nullptr && !found->is_null())
            object(key, value.emplace(), visit);
    }
    // The value of a key; null, and reported, when it is missing.
    const json::value* find(std::string_view key)
    {
        if (!problem_.empty()) return nullptr;
        const json::value* found = from_.if_contains(key);
        if (found == nullptr) report(key, "is missing");
        return found;
    }
    void report(std::string_view key, std::string_view what)
    {
        if (problem_.empty()) problem_ = "'" + place_ + std::string(key) + "' " + std::string(what);
    }
    [[nodiscard]] bool is_good() const { return problem_.empty(); }

private:
    template <class Integer> static bool read_integer(const json::value& from, Integer& to)
    {
        boost::system::error_code wrong;
        to = from.to_number<Integer>(wrong);
        return !wrong && !from.is_double();
    }
    static bool read(const json::value& from, bool& to)
    {
        if (const bool* v = from.if_bool()) to = *v;
        return from.is_bool();
    }
    static bool read(const json::value& from, std::string& to)
    {
        if (const json::string* v = from.if_string()) to.assign(v->data(), v->size());
        return from.is_string();
    }
    // A text of valid UTF-8, and what it says of bytes.
    static bool read_bytes(const json::string& from, std::string& to)
    {
        to.clear();
        for (std::size_t at = 0; at < from.size(); ++at) {
            const auto first = static_cast<unsigned char>(from[at]);
            if (first < 0x80) {
                to += from[at];
                continue;
            }
            if (first > 0xc3) return false; // beyond U+00FF
            const auto second = static_cast<unsigned char>(from[++at]);
            to += static_cast<char>((first & 0x03U) << 6U | (second & 0x3fU));
        }
        return true;
    }
    static bool read(const json::value& from, int& to) { return read_integer(from, to) && to >= 0; }
    static bool read(const json::value& from, unsigned& to) { return read_integer(from, to); }
    static bool read(const json::value& from, std::uint64_t& to) { return read_integer(from, to); }
    static bool read(const json::value& from, exit_code_kind& to)
    {
        int code = 0;
        if (!read(from, code) || code > static_cast<int>(exit_code_kind::dumped)) return false;
        to = static_cast<exit_code_kind>(code);
        return true;
    }
    static bool read(const json::value& from, time_point& to)
    {
        to = never;
        std::int64_t count = 0;
        if (from.is_null()) return true;
        if (!read_integer(from, count) || count < 0) return false;
        to = time_point(duration(count));
        return true;
    }
    static bool read(const json::value& from, duration& to)
    {
        std::int64_t count = 0;
        if (!read_integer(from, count) || count < 0) return false;
        to = duration(count);
        return true;
    }
    template <class T> static bool read(const json::value& from, std::optional<T>& to)
    {
        to.reset();
        return from.is_null() || read(from, to.emplace());
    }
    static bool read(const json::value& from, wall_time& to)
    {
        std::int64_t count = 0;
        if (!read_integer(from, count) || count < 0) return false;
        to = wall_time(duration(count));
        return true;
    }
    template <class Enum> static bool read(const json::value& from, Enum& to) requires std::is_enum_v<Enum>
    {
        std::string text;
        if (!read(from, text)) return false;
        const std::optional<Enum> parsed = parse(text, Enum{});
        if (parsed) to = *parsed;
        return parsed.has_value();
    }

    const json::object& from_;
    std::string place_;
    std::string& problem_;
};

json::value as_json(const loaded_program& program)
{
    return {{"name", program.config.name},
            {"keys", json::parse(to_json(format_program(program.config)))},
            {"file", program.where.file},
            {"line", program.where.line},
            {"column", program.where.column}};
}

json::object as_json(const instance_snapshot& i)
{
    json::object o;
    o["name"] = i.name;
    o["number"] = i.number;
    o["program"] = as_json(i.program);
    o["next_program"] = i.next_program ? as_json(*i.next_program) : json::value(nullptr);
    o["removed"] = i.removed;
    writer w(o);
    w.object("status", i.status, [](auto& inner, auto& v) { visit_status(inner, v); });
    return o;
}

void read_program(reader& r, loaded_program& program)
{
    std::string name;
    r("name", name);
    r("file", program.where.file);
    r("line", program.where.line);
    r("column", program.where.column);
    const json::value* keys = r.find("keys");
    if (keys == nullptr) return;
    const auto tree = config_value_from_json(json::serialize(*keys));
    if (!tree || tree->type != config_value::kind::map) return r.report("keys", "is no configuration");
    if (!check_program_name(name)) return r.report("name", "is no name of a program");
    diagnostics problems;
    program.config = parse_program(name, *tree, program.where.file, problems);
    for (const diagnostic& d : problems)
        if (d.level == severity::error) r.report("keys", d.message);
}

void read_instance(reader& r, instance_snapshot& i)
{
    r("name", i.name);
    r("number", i.number);
    r.object("program", i.program, [](reader& inner, loaded_program& p) { read_program(inner, p); });
    if (const json::value* next = r.find("next_program"); next != nullptr && !next->is_null())
        r.object("next_program", i.next_program.emplace(),
                 [](reader& inner, loaded_program& p) { read_program(inner, p); });
    r("removed", i.removed);
    r.object("status", i.status, [](auto& inner, auto& v) { visit_status(inner, v); });
    if (!r.is_good()) return;
    const bool is_only_one = i.number == 0;
    if (is_only_one != (i.program.config.instances == 0) ||
        i.name != instance_name_of(i.program.config, i.number))
        r.report("name", "does not belong to its program");
    // Of a program that is down they say nothing any more, and the configuration may have changed since.
    if (is_down(i.status)) return;
    const program_config& program = i.program.config;
    if (i.status.main_serial != 0 && i.status.main_index != 0 &&
        i.status.main_index >= program.exec_start.size())
        r.report("status", "has a main_index that its program does not have");
    if (i.status.control_serial != 0 &&
        i.status.control_index >= commands_of(program, i.status.control_command).size())
        r.report("status", "has a control_index that its program does not have");
}

} // namespace

std::string write_snapshot(const supervisor_snapshot& snapshot)
{
    json::array instances;
    instances.reserve(snapshot.instances.size());
    for (const instance_snapshot& i : snapshot.instances)
        instances.emplace_back(as_json(i));
    return json::serialize(json::object{{"version", snapshot_version},
                                        {"run", snapshot.run},
                                        {"last_serial", snapshot.last_serial},
                                        {"is_shutting_down", snapshot.is_shutting_down},
                                        {"instances", std::move(instances)}});
}

result<supervisor_snapshot> read_snapshot(std::string_view text)
{
    const auto failure = [](const std::string& why) {
        return make_error("cannot read the snapshot: " + why);
    };
    boost::system::error_code wrong;
    const json::value root = json::parse(text, wrong);
    if (wrong) return failure(wrong.message());
    if (!root.is_object()) return failure("it is no object");

    std::string problem;
    reader r(root.get_object(), "", problem);
    supervisor_snapshot snapshot;
    int version = 0;
    r("version", version);
    if (r.is_good() && version != snapshot_version)
        return failure("it has version " + std::to_string(version) + ", this daemon reads version " +
                       std::to_string(snapshot_version));
    r("run", snapshot.run);
    r("last_serial", snapshot.last_serial);
    r("is_shutting_down", snapshot.is_shutting_down);
    const json::value* instances = r.find("instances");
    if (instances != nullptr && !instances->is_array()) r.report("instances", "is no list");
    if (!r.is_good()) return failure(problem);

    std::set<std::string_view> names;
    for (const json::value& item : instances->get_array()) {
        const std::string place = "instances[" + std::to_string(snapshot.instances.size()) + "].";
        if (!item.is_object()) return failure("'" + place + "' is no object");
        reader inner(item.get_object(), place, problem);
        instance_snapshot i;
        read_instance(inner, i);
        if (!problem.empty()) return failure(problem);
        snapshot.instances.push_back(std::move(i));
    }
    for (const instance_snapshot& i : snapshot.instances)
        if (!names.insert(i.name).second) return failure("it has two instances named " + i.name);
    return snapshot;
}

} // namespace procctl
