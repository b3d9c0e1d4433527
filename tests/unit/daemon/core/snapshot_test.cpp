#include "daemon/core/snapshot.h"
#include "tests/support/catch.h"

#include <random>

using namespace procctl;
using namespace std::chrono_literals;

namespace {

class generator {
public:
    explicit generator(unsigned seed) : random_(seed) {}

    bool boolean() { return random_() % 2 == 0; }
    int number(int below) { return static_cast<int>(random_() % static_cast<unsigned>(below)); }
    std::uint64_t big() { return (std::uint64_t{random_()} << 32) | random_(); }
    time_point point()
    {
        return boolean() ? never : time_point(duration(static_cast<std::int64_t>(big() >> 2)));
    }
    wall_time wall() { return wall_time(duration(static_cast<std::int64_t>(big() >> 2))); }
    template <class Enum> Enum one_of(std::initializer_list<Enum> all)
    {
        return *(all.begin() + number(static_cast<int>(all.size())));
    }

private:
    std::mt19937 random_;
};

instance_status random_status(generator& g)
{
    using enum sub_state;
    instance_status s;
    const auto states = {dead,         start,         running,       exited,       stop_sigterm,
                         stop_sigkill, final_sigterm, final_sigkill, auto_restart, failed};
    s.state = g.one_of(states);
    s.announced = g.one_of(states);
    s.result = g.one_of({service_result::success, service_result::resources, service_result::timeout,
                         service_result::exit_code, service_result::signal, service_result::core_dump,
                         service_result::start_limit_hit});
    s.expired = g.one_of({time_limit::none, time_limit::start, time_limit::stop, time_limit::runtime});
    s.main_pid = g.number(100'000);
    s.main_serial = g.big();
    s.last_serial = g.big();
    s.has_leftovers = g.boolean();
    s.command_index = g.boolean() ? 1 : 0;
    s.exec_main = {static_cast<exit_code_kind>(g.number(4)), g.number(256)};
    s.exec_main_failure = {g.number(256), g.number(130)};
    s.invocation = {g.big(), g.big()};
    s.n_restarts = static_cast<unsigned>(g.number(1'000'000));
    s.flush_n_restarts = g.boolean();
    s.stop_requested = g.boolean();
    s.pending = g.one_of({pending_job::none, pending_job::start, pending_job::restart});
    s.start_job = g.boolean();
    s.stop_job = g.boolean();
    s.restart_job = g.boolean();
    s.start_limit_refused = g.boolean();
    s.last_decision = g.one_of({restart_reason::stop_requested, restart_reason::survivors,
                                restart_reason::prevented_by_status, restart_reason::forced_by_status,
                                restart_reason::policy_restarts, restart_reason::policy_stays});
    s.start_limit = {g.point(), static_cast<unsigned>(g.number(100))};
    s.deadline = g.point();
    s.runtime_deadline = g.point();
    for (wall_time* t : {&s.state_change, &s.active_enter, &s.active_exit, &s.inactive_enter,
                         &s.inactive_exit, &s.exec_main_start, &s.exec_main_exit})
        *t = g.wall();
    return s;
}

loaded_program random_program(generator& g)
{
    loaded_program p;
    p.config.name = g.boolean() ? "web" : "worker.2-x";
    p.config.type = service_type::oneshot;
    p.config.restart = g.one_of({restart_mode::no, restart_mode::on_failure, restart_mode::on_abort});
    p.config.timeout_start = infinity;
    p.config.exec_start = {{{"/bin/sh", "-c", "echo \"$HOME\"; exit %i"}, g.boolean()},
                           {{"/bin/true"}, false, g.boolean()}};
    p.config.environment = {{"A", "b c\n\t\"quoted\" \\ ü"}};
    p.config.instances = static_cast<unsigned>(g.number(3));
    p.config.restart_sec = duration(g.number(100'000'000));
    p.config.restart_force_exit_status.add_code(g.number(256));
    p.config.umask = 027;
    p.where = {"/etc/procctl/conf.d/web.yaml", g.number(100), g.number(100)};
    return p;
}

supervisor_snapshot random_snapshot(unsigned seed)
{
    generator g(seed);
    supervisor_snapshot snapshot{g.big(), g.big(), g.boolean(), {}};
    instance_snapshot i;
    i.program = random_program(g);
    i.number = i.program.config.instances;
    i.name = instance_name_of(i.program.config, i.number);
    i.status = random_status(g);
    if (g.boolean()) i.next_program = random_program(g);
    i.removed = g.boolean();
    snapshot.instances.push_back(i);
    return snapshot;
}

std::string replaced(std::string text, const std::string& what, const std::string& with)
{
    const std::size_t at = text.find(what);
    REQUIRE(at != std::string::npos);
    return text.replace(at, what.size(), with);
}

} // namespace

TEST_CASE("what is written is read back as it was, every field", "[snapshot]")
{
    for (unsigned seed = 0; seed < 500; ++seed) {
        CAPTURE(seed);
        const supervisor_snapshot before = random_snapshot(seed);
        const std::string text = write_snapshot(before);
        CAPTURE(text);
        const auto read = read_snapshot(text);
        REQUIRE(read);
        CHECK(read->run == before.run);
        CHECK(read->last_serial == before.last_serial);
        CHECK(read->is_shutting_down == before.is_shutting_down);
        REQUIRE(read->instances.size() == 1);
        const instance_snapshot& i = read->instances[0];
        CHECK(i.name == before.instances[0].name);
        CHECK(i.number == before.instances[0].number);
        CHECK(i.status == before.instances[0].status);
        CHECK(i.program.config == before.instances[0].program.config);
        CHECK(i.program.where == before.instances[0].program.where);
        CHECK(i.removed == before.instances[0].removed);
        REQUIRE(i.next_program.has_value() == before.instances[0].next_program.has_value());
        if (i.next_program) CHECK(i.next_program->config == before.instances[0].next_program->config);
        CHECK(write_snapshot(*read) == text);
    }
}

TEST_CASE("an empty snapshot is one", "[snapshot]")
{
    const auto read = read_snapshot(write_snapshot({}));
    REQUIRE(read);
    CHECK(read->instances.empty());
}

TEST_CASE("damaged text gives an error that says where", "[snapshot]")
{
    supervisor_snapshot one = random_snapshot(1);
    one.instances[0].status.state = sub_state::running;
    one.instances[0].status.main_pid = 4711;
    const std::string good = write_snapshot(one);
    const auto error_of = [](const std::string& text) {
        const auto read = read_snapshot(text);
        return read ? std::string("no error") : read.error().message();
    };
    using Catch::Matchers::ContainsSubstring;
    CHECK_THAT(error_of(""), ContainsSubstring("cannot read the snapshot: "));
    CHECK_THAT(error_of("[]"), ContainsSubstring("it is no object"));
    CHECK_THAT(error_of("{}"), ContainsSubstring("'version' is missing"));
    CHECK_THAT(error_of(replaced(good, "\"version\":1", "\"version\":2")),
               ContainsSubstring("it has version 2"));
    CHECK_THAT(error_of(replaced(good, "4711", "\"4711\"")),
               ContainsSubstring("'instances[0].status.main_pid'"));
    CHECK_THAT(error_of(replaced(good, "4711", "-1")), ContainsSubstring("'instances[0].status.main_pid'"));
    CHECK_THAT(error_of(replaced(good, "4711", "47.5")), ContainsSubstring("'instances[0].status.main_pid'"));
    CHECK_THAT(error_of(replaced(good, "4711", "99999999999")),
               ContainsSubstring("'instances[0].status.main_pid'"));
    CHECK_THAT(error_of(replaced(good, "\"running\"", "\"walking\"")),
               ContainsSubstring("'instances[0].status.state'"));
    CHECK_THAT(error_of(replaced(good, "\"exec_main\":{", "\"exec_main\":[{")),
               ContainsSubstring("cannot read"));
    CHECK_THAT(error_of(replaced(good, "\"oneshot\"", "\"forking\"")),
               ContainsSubstring("'instances[0].program.keys'"));
    CHECK_THAT(error_of(replaced(good, "\"removed\"", "\"moved\"")),
               ContainsSubstring("'instances[0].removed' is missing"));

    supervisor_snapshot two = one;
    two.instances.push_back(one.instances[0]);
    CHECK_THAT(error_of(write_snapshot(two)), ContainsSubstring("two instances named"));
    supervisor_snapshot stranger = one;
    stranger.instances[0].name = "stranger";
    CHECK_THAT(error_of(write_snapshot(stranger)), ContainsSubstring("does not belong to its program"));
    supervisor_snapshot beyond = one;
    beyond.instances[0].status.command_index = 2;
    CHECK_THAT(error_of(write_snapshot(beyond)), ContainsSubstring("command_index"));
}

TEST_CASE("text that ends too early, or has a byte changed, never crashes", "[snapshot]")
{
    const std::string good = write_snapshot(random_snapshot(3));
    std::mt19937 random(5);
    for (std::size_t n = 0; n < good.size(); ++n)
        CHECK_FALSE(read_snapshot(std::string_view(good).substr(0, n)));
    for (int i = 0; i < 5000; ++i) {
        std::string text = good;
        text[random() % text.size()] = static_cast<char>(random() % 256);
        if (const auto read = read_snapshot(text)) CHECK(read_snapshot(write_snapshot(*read)));
    }
}
