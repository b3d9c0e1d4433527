#include "daemon/config/check.h"
#include "daemon/config/load.h"
#include "tests/support/catch.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace procctl;

namespace {

// A configuration in a folder of its own, which goes with it.
class set_up {
public:
    set_up()
    {
        std::string pattern = (std::filesystem::temp_directory_path() / "procctl-load-XXXXXX").string();
        REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        folder_ = pattern;
        std::filesystem::create_directory(path("conf.d"));
        ::chmod(path("conf.d").c_str(), 0755); // whatever the umask
        write("procctl.yaml", "conf_d: conf.d\nsocket: run/procctl/p.sock\nlog_dir: log\nstate_dir: state\n"
                              "socket_group: ''\n");
    }
    ~set_up() { std::filesystem::remove_all(folder_); }
    set_up(const set_up&) = delete;
    set_up& operator=(const set_up&) = delete;

    [[nodiscard]] std::string path(const std::string& name) const { return folder_ + '/' + name; }
    void write(const std::string& name, const std::string& text) const
    {
        std::ofstream(path(name)) << text;
        ::chmod(path(name).c_str(), 0644);
    }
    [[nodiscard]] load_request request() const
    {
        load_request r;
        r.settings_file = path("procctl.yaml");
        return r;
    }
    [[nodiscard]] load_result load() const { return procctl::load(request()); }

private:
    std::string folder_;
};

std::vector<std::string> names(const load_result& loaded)
{
    std::vector<std::string> all;
    for (const loaded_program& p : loaded.programs)
        all.push_back(p.config.name);
    return all;
}

bool mentions(const load_result& loaded, std::string_view part)
{
    return std::ranges::any_of(loaded.problems,
                               [&](const diagnostic& d) { return d.text().find(part) != std::string::npos; });
}

const std::string good = "programs:\n  web: {exec_start: /bin/web}\n";

} // namespace

TEST_CASE("conf.d is read in name order", "[load]")
{
    const set_up s;
    s.write("conf.d/b.yaml", "programs: {b: {exec_start: /bin/b}}");
    s.write("conf.d/a.yaml", "programs: {z: {exec_start: /bin/z}, a: {exec_start: /bin/a}}");
    s.write("conf.d/README", "not ours");
    s.write("conf.d/.hidden.yaml", "[broken");
    const load_result loaded = s.load();
    CHECK(names(loaded) == std::vector<std::string>{"z", "a", "b"});
    CHECK(loaded.problems.empty());
    CHECK(loaded.refused.empty());
    CHECK(loaded.files == std::vector<std::string>{s.path("conf.d/a.yaml"), s.path("conf.d/b.yaml")});
    CHECK(loaded.programs[2].where == source_position{s.path("conf.d/b.yaml"), 1, 12});
    CHECK(loaded.daemon.file == s.path("procctl.yaml"));
    CHECK(loaded.daemon.conf_d == s.path("conf.d"));
    CHECK(loaded.daemon.runtime_dir == s.path("run"));
    CHECK_FALSE(loaded.host.empty());
    CHECK(loaded.self.uid == ::geteuid());
}

TEST_CASE("a file with an error is refused as a whole, the others are not", "[load]")
{
    const set_up s;
    s.write("conf.d/a.yaml", good);
    s.write("conf.d/b.yaml", "programs:\n  b1: {exec_start: /bin/b}\n  b2: {restart: x}\n");
    s.write("conf.d/c.yaml", "programs: [");
    const load_result loaded = s.load();
    CHECK(names(loaded) == std::vector<std::string>{"web"});
    CHECK(loaded.refused == std::vector<std::string>{s.path("conf.d/b.yaml"), s.path("conf.d/c.yaml")});
    CHECK(loaded.problems.size() == 3); // of all files, in one go
    CHECK(std::ranges::is_sorted(loaded.problems, {}, [](const diagnostic& d) { return d.where.file; }));
}

TEST_CASE("a warning refuses nothing", "[load]")
{
    const set_up s;
    s.write("conf.d/a.yaml", "programs: {a: {exec_start: /x, type: oneshot, runtime_max_sec: 5}}");
    const load_result loaded = s.load();
    CHECK(names(loaded) == std::vector<std::string>{"a"});
    CHECK(loaded.problems.size() == 1);
    CHECK_FALSE(has_errors(loaded.problems));
}

TEST_CASE("the same program in two files is refused in both, and both places are named", "[load]")
{
    const set_up s;
    s.write("conf.d/a.yaml", good);
    s.write("conf.d/b.yaml", "programs:\n  other: {exec_start: /bin/x}\n  web: {exec_start: /bin/x}\n");
    s.write("conf.d/c.yaml", "programs: {c: {exec_start: /bin/c}}");
    const load_result loaded = s.load();
    CHECK(names(loaded) == std::vector<std::string>{"c"});
    CHECK(loaded.refused.size() == 2);
    REQUIRE(loaded.problems.size() == 2);
    CHECK(loaded.problems[0].text() ==
          s.path("conf.d/a.yaml") + ":2:3: error: the program 'web' is defined twice: it stands also at " +
              s.path("conf.d/b.yaml") + ":3:3");
    CHECK(loaded.problems[1].text() ==
          s.path("conf.d/b.yaml") + ":3:3: error: the program 'web' is defined twice: it stands also at " +
              s.path("conf.d/a.yaml") + ":2:3");
}

TEST_CASE("names that were perhaps meant are named in a warning", "[load]")
{
    const set_up s;
    for (const char* name : {"a.yml", "b.yaml~", "c.yaml.bak", "d.yaml.dpkg-dist", "e.YAML", "f.yaml.rpmnew"})
        s.write("conf.d/" + std::string(name), good);
    const load_result loaded = s.load();
    CHECK(loaded.programs.empty());
    CHECK(loaded.problems.size() == 6);
    CHECK_FALSE(has_errors(loaded.problems));
    CHECK(mentions(loaded, "a.yml: warning: not read: only files named *.yaml are"));
}

TEST_CASE("what is no regular file is refused without waiting for it", "[load]")
{
    const set_up s;
    REQUIRE(::mkfifo(s.path("conf.d/fifo.yaml").c_str(), 0644) == 0);
    std::filesystem::create_directory(s.path("conf.d/folder.yaml"));
    std::filesystem::create_symlink("nowhere", s.path("conf.d/dangling.yaml"));
    std::filesystem::create_symlink("/dev/zero", s.path("conf.d/device.yaml"));
    s.write("conf.d/good.yaml", good);
    const load_result loaded = s.load();
    CHECK(names(loaded) == std::vector<std::string>{"web"});
    CHECK(loaded.problems.size() == 4);
    CHECK(loaded.refused.size() == 4);
    CHECK(mentions(loaded, "fifo.yaml: error: not a file but a FIFO"));
    CHECK(mentions(loaded, "folder.yaml: error: not a file but a folder"));
    CHECK(mentions(loaded, "dangling.yaml: error: cannot follow the link: No such file or directory"));
    CHECK(mentions(loaded, "device.yaml: error: not a file but a device"));
}

TEST_CASE("links to files are followed", "[load]")
{
    const set_up s;
    std::filesystem::create_directory(s.path("elsewhere"));
    ::chmod(s.path("elsewhere").c_str(), 0755);
    s.write("elsewhere/web", good);
    std::filesystem::create_symlink("../elsewhere/web", s.path("conf.d/web.yaml"));
    CHECK(names(s.load()) == std::vector<std::string>{"web"});
    if (::geteuid() != 0) return;
    ::chmod(s.path("elsewhere").c_str(), 0777);
    CHECK(mentions(s.load(), "refused: its folder " + s.path("elsewhere") + " is writable by everyone"));
}

TEST_CASE("a huge file is refused", "[load]")
{
    const set_up s;
    s.write("conf.d/a.yaml", "#" + std::string(1 << 20, 'x'));
    CHECK(mentions(s.load(), "a.yaml: error: the file is larger than 1 MiB"));
}

TEST_CASE("root obeys no file that others could have written", "[load]")
{
    if (::geteuid() != 0) {
        WARN("not root: the check does nothing");
        CHECK(true);
        return;
    }
    const set_up s;
    s.write("conf.d/a.yaml", good);
    const auto refuses = [&](const char* why) {
        const load_result loaded = s.load();
        CAPTURE(why);
        return loaded.programs.empty() && has_errors(loaded.problems) && mentions(loaded, why);
    };
    const std::string file = s.path("conf.d/a.yaml");
    const std::string folder = s.path("conf.d");
    CHECK(names(s.load()) == std::vector<std::string>{"web"});
    SECTION("a file writable by everyone")
    {
        ::chmod(file.c_str(), 0646);
        CHECK(refuses("refused: the file is writable by everyone"));
        load_request lax = s.request();
        lax.check_ownership = false;
        CHECK(load(lax).programs.size() == 1);
    }
    SECTION("a file writable by a group")
    {
        ::chmod(file.c_str(), 0664);
        CHECK(s.load().programs.size() == 1); // root's group
        REQUIRE(::chown(file.c_str(), 0, 12345) == 0);
        CHECK(refuses("refused: the file is writable by the group 12345"));
    }
    SECTION("a file of another user")
    {
        REQUIRE(::chown(file.c_str(), 12345, 0) == 0);
        CHECK(refuses("refused: the file belongs to the user 12345"));
    }
    SECTION("a folder writable by everyone")
    {
        ::chmod(folder.c_str(), 0777);
        CHECK(refuses("refused: the folder is writable by everyone"));
        CHECK(s.load().refused == std::vector{file});
    }
    SECTION("a folder of another user")
    {
        REQUIRE(::chown(folder.c_str(), 12345, 0) == 0);
        CHECK(refuses("refused: the folder belongs to the user 12345"));
    }
    SECTION("the settings file")
    {
        ::chmod(s.path("procctl.yaml").c_str(), 0666);
        CHECK(refuses("procctl.yaml: error: refused: the file is writable by everyone"));
    }
}

TEST_CASE("the settings file", "[load]")
{
    const set_up s;
    s.write("conf.d/a.yaml", good);
    load_request request = s.request();
    SECTION("named and missing is an error, and its folders are not guessed")
    {
        request.settings_file = s.path("none.yaml");
        const load_result loaded = load(request);
        CHECK(mentions(loaded, "none.yaml: error: cannot open the file: No such file or directory"));
        CHECK(loaded.daemon.file == s.path("none.yaml"));
        CHECK(loaded.programs.empty());
        CHECK(loaded.refused == std::vector{s.path("none.yaml")});
    }
    SECTION("that is no YAML likewise")
    {
        s.write("procctl.yaml", "conf_d: [");
        const load_result loaded = load(request);
        CHECK(has_errors(loaded.problems));
        CHECK(loaded.daemon.file == s.path("procctl.yaml"));
        CHECK(loaded.programs.empty());
    }
    SECTION("with an error is reported together with those of the programs")
    {
        s.write("procctl.yaml", "conf_d: conf.d\nlog_level: loud\nsocket: p.sock\n");
        s.write("conf.d/b.yaml", "programs: {b: {}}");
        const load_result loaded = load(request);
        CHECK(loaded.problems.size() == 2);
        CHECK(names(loaded) == std::vector<std::string>{"web"});
    }
    SECTION("must name a folder that exists: without one an update would stop everything")
    {
        s.write("procctl.yaml", "conf_d: later\n");
        const load_result loaded = load(request);
        CHECK(mentions(loaded, "later: error: the folder of programs does not exist"));
    }
    SECTION("may name a file as the folder")
    {
        s.write("procctl.yaml", "conf_d: procctl.yaml\n");
        CHECK(mentions(load(request), "error: cannot read the folder: Not a directory"));
    }
}

TEST_CASE("files can be named instead of conf.d", "[load]")
{
    const set_up s;
    s.write("conf.d/a.yaml", good);
    s.write("x.yaml", "programs: {x: {exec_start: /bin/x}}");
    load_request request = s.request();
    request.files = {s.path("x.yaml"), s.path("none.yaml")};
    const load_result loaded = load(request);
    CHECK(names(loaded) == std::vector<std::string>{"x"});
    CHECK(mentions(loaded, "none.yaml: error: cannot open the file"));
    ::chmod(s.path("x.yaml").c_str(), 0666); // not installed yet, so nobody obeys it
    CHECK(names(load(request)) == std::vector<std::string>{"x"});
}

TEST_CASE("unknown users and groups are errors at their keys, and refuse no file", "[load]")
{
    const set_up s;
    s.write("conf.d/a.yaml", "programs:\n"
                             "  a: {exec_start: /x, user: no-such-user}\n"
                             "  b: {exec_start: /x, group: no-such-group}\n"
                             "  c: {exec_start: /x, user: root, supplementary_groups: [no-such-group]}\n"
                             "  d: {exec_start: /x, user: root}\n"
                             "  e: {exec_start: /x, user: no-such-user}\n");
    load_request request = s.request();
    const load_result loaded = load(request);
    CHECK(loaded.programs.size() == 5);
    CHECK(loaded.refused.empty());
    REQUIRE(loaded.problems.size() == 4);
    const std::string file = s.path("conf.d/a.yaml");
    CHECK(loaded.problems[0].where == source_position{file, 2, 29});
    CHECK(loaded.problems[0].message.find("no-such-user") != std::string::npos);
    CHECK(loaded.problems[1].where == source_position{file, 3, 30});
    CHECK(loaded.problems[2].where == source_position{file, 4, 57});
    CHECK(loaded.problems[3].where == source_position{file, 6, 29});
    CHECK(loaded.identities.size() == 4);
    CHECK(loaded.identities.at("root\n\n").who->uid == 0);
    CHECK_FALSE(loaded.identities.at("no-such-user\n\n").who);
    CHECK(loaded.identities.at("\nno-such-group\n").is_group);

    request.look_up_users = false;
    CHECK(load(request).problems.empty());
    CHECK(load(request).identities.empty());
}

TEST_CASE("the owner of a log is looked up like the account of a program", "[load]")
{
    const set_up s;
    s.write("conf.d/a.yaml", "programs:\n"
                             "  a: {exec_start: /x, log: {user: root, group: root}}\n"
                             "  b: {exec_start: /x, log: {user: no-such-user}}\n"
                             "  c: {exec_start: /x, log: {group: no-such-group}}\n"
                             "  d: {exec_start: /x}\n");
    load_request request = s.request();
    const load_result loaded = load(request);
    CHECK(loaded.refused.empty());
    REQUIRE(loaded.problems.size() == 2);
    const std::string file = s.path("conf.d/a.yaml");
    CHECK(loaded.problems[0].where == source_position{file, 3, 35});
    CHECK(loaded.problems[0].message == "log.user: unknown user 'no-such-user'");
    CHECK(loaded.problems[1].where == source_position{file, 4, 36});
    CHECK(loaded.problems[1].message == "log.group: unknown group 'no-such-group'");
    REQUIRE(loaded.programs.size() == 4);
    const auto key = [&](std::size_t n) { return log_owner_key(loaded.programs[n].config); };
    CHECK(loaded.identities.at(key(0)).who->uid == 0);
    CHECK_FALSE(loaded.identities.at(key(1)).who);
    CHECK(loaded.identities.at(key(2)).is_group);
    CHECK(key(3).empty());

    request.look_up_users = false;
    CHECK(load(request).problems.empty());
}

TEST_CASE("programs that others name must exist, in any file", "[load]")
{
    const set_up s;
    const std::string file = s.path("conf.d/a.yaml");
    s.write("conf.d/a.yaml", "programs:\n"
                             "  web:\n"
                             "    exec_start: /x\n"
                             "    on_failure: [alert, page@2]\n"
                             "    on_success: page\n");
    s.write("conf.d/b.yaml", "programs: {alert: {exec_start: /x}, page: {exec_start: /x, instances: 2}}");
    SECTION("they do") { CHECK(s.load().problems.empty()); }
    SECTION("they do not: an error that refuses no file")
    {
        s.write("conf.d/b.yaml", "programs: {alerts: {exec_start: /x}, page: {exec_start: /x}}");
        const load_result loaded = s.load();
        REQUIRE(loaded.problems.size() == 2);
        CHECK(loaded.problems[0].text() ==
              file + ":4:18: error: on_failure: there is no program 'alert': did you mean 'alerts'?");
        CHECK(loaded.problems[1].text() == file +
                                               ":4:25: error: on_failure: there is no instance 'page@2': the "
                                               "program 'page' has no instances");
        CHECK(names(loaded) == std::vector<std::string>{"web", "alerts", "page"});
        CHECK(loaded.refused.empty());
    }
    SECTION("an instance above the last one, and a unit of systemd's")
    {
        s.write("conf.d/b.yaml", "programs: {alert: {exec_start: /x}, page: {exec_start: /x, instances: 1}}");
        s.write("conf.d/c.yaml", "programs: {c: {exec_start: /x, on_failure: alert.service zzz}}");
        CHECK(mentions(s.load(),
                       "error: on_failure: there is no instance 'page@2': the program 'page' has the "
                       "instances 1 to 1"));
        CHECK(mentions(
            s.load(),
            "c.yaml:1:44: error: on_failure: there is no program 'alert.service': did you mean 'alert'?"));
        CHECK(mentions(s.load(), "there is no program 'zzz'"));
    }
    SECTION("a program of a refused file is one")
    {
        s.write("conf.d/b.yaml", "programs: {alert: {}, page: {exec_start: /x, instances: 2}}");
        CHECK(s.load().problems.size() == 1);
    }
    SECTION("where a file cannot be read they may stand there")
    {
        s.write("conf.d/b.yaml", "programs: [");
        CHECK(s.load().problems.size() == 1);
    }
    SECTION("files that are named are perhaps not all")
    {
        load_request request = s.request();
        request.files = {file};
        const load_result loaded = load(request);
        CHECK_FALSE(has_errors(loaded.problems));
        CHECK(loaded.problems.size() == 3);
        CHECK(mentions(loaded,
                       ":4:18: warning: on_failure: there is no program 'alert' (in the files that were "
                       "named)"));
    }
}

TEST_CASE("a loaded configuration survives the way through JSON", "[load]")
{
    const set_up s;
    s.write("conf.d/a.yaml",
            "programs:\n"
            "  a: {exec_start: /x, user: root, instances: 3, environment: {A: \"\\x01 é\"}}\n"
            "  b: {exec_start: [[/x, y z], -/b], type: oneshot, user: no-such-user, limit_core: 0}\n");
    s.write("conf.d/b.yaml", "programs: {b2: {}}");
    s.write("conf.d/c.yml", "");
    s.write("conf.d/\xff.yaml", good); // a name is any bytes
    load_result loaded = s.load();
    loaded.socket_gid = GENERATE(std::optional<unsigned>{}, std::optional<unsigned>{42});
    REQUIRE(loaded.problems.size() == 3);

    const auto read = load_result_from_json(to_json(loaded));
    REQUIRE(read);
    CHECK(read->daemon == loaded.daemon);
    REQUIRE(read->programs.size() == loaded.programs.size());
    for (std::size_t n = 0; n < loaded.programs.size(); ++n) {
        CHECK(read->programs[n].config == loaded.programs[n].config);
        CHECK(read->programs[n].where == loaded.programs[n].where);
    }
    CHECK(read->files == loaded.files);
    CHECK(read->refused == loaded.refused);
    REQUIRE(read->problems.size() == loaded.problems.size());
    for (std::size_t n = 0; n < loaded.problems.size(); ++n)
        CHECK(read->problems[n].text() == loaded.problems[n].text());
    REQUIRE(read->identities.size() == loaded.identities.size());
    for (const auto& [key, resolved] : loaded.identities) {
        CHECK(read->identities.at(key).who == resolved.who);
        CHECK(read->identities.at(key).is_group == resolved.is_group);
        CHECK(read->identities.at(key).message == resolved.message);
    }
    CHECK(read->self == loaded.self);
    CHECK(read->socket_gid == loaded.socket_gid);
    CHECK(read->host == loaded.host);
}

TEST_CASE("JSON that is no loaded configuration is an error", "[load]")
{
    const set_up s;
    s.write("conf.d/a.yaml", good);
    const std::string json = to_json(s.load());
    for (std::size_t size = 0; size < json.size(); size += 7)
        CHECK_FALSE(load_result_from_json(json.substr(0, size)));
    for (const char* wrong : {"", "null", "[]", "{}", "{\"daemon\":1}"})
        CHECK_FALSE(load_result_from_json(wrong));
}

TEST_CASE("the offline check says what is wrong and sums it up", "[check]")
{
    const set_up s;
    s.write("conf.d/a.yaml", good);
    s.write("conf.d/b.yaml", "programs: {b1: {exec_start: /x}, b2: {exec_start: /x}}");
    std::ostringstream out;
    std::ostringstream err;
    SECTION("all is well")
    {
        CHECK(check_main(s.request(), out, err) == 0);
        CHECK(out.str() == "2 files, 3 programs: ok\n");
        CHECK(err.str().empty());
    }
    SECTION("a warning")
    {
        s.write("conf.d/c.yml", "");
        CHECK(check_main(s.request(), out, err) == 0);
        CHECK(out.str() == "2 files, 3 programs: ok, 1 warning\n");
        CHECK(err.str() == s.path("conf.d/c.yml") + ": warning: not read: only files named *.yaml are\n");
    }
    SECTION("errors")
    {
        s.write("conf.d/a.yaml", "programs:\n  web: {restart: x, exec_start: }\n");
        CHECK(check_main(s.request(), out, err) == 1);
        CHECK(out.str().empty());
        CHECK(err.str() == s.path("conf.d/a.yaml") +
                               ":2:18: error: restart: unknown value 'x'; allowed are no, "
                               "always, on-success, on-failure, on-abnormal, on-abort, "
                               "on-watchdog\n" +
                               s.path("conf.d/a.yaml") +
                               ":2:21: error: the program 'web' has no 'exec_start'\n"
                               "2 errors in 1 file\n");
    }
}
