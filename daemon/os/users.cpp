#include "daemon/os/users.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

namespace procctl {
namespace {

// A name or number that is not known is an empty optional; an error is a look-up that failed.
template <class T> using looked_up = result<std::optional<T>>;

struct account {
    std::string name;
    uid_t uid = 0;
    gid_t gid = 0;
    std::string home;
    std::string shell;
};

// Calls a getpwnam_r(3) or its like with a buffer that grows until the entry fits: a group can have thousands
// of members.
template <class Entry, class Call> looked_up<std::pair<Entry, std::vector<char>>> with_buffer(Call call)
{
    std::vector<char> buffer(1024);
    for (;;) {
        Entry entry{};
        Entry* found = nullptr;
        const int reason = call(&entry, buffer.data(), buffer.size(), &found);
        if (reason == ERANGE && buffer.size() < (std::size_t{64} << 20)) {
            buffer.resize(buffer.size() * 4);
            continue;
        }
        if (reason == EINTR) continue;
        if (found) return std::optional(std::pair(entry, std::move(buffer)));
        // What "not found" looks like is up to the NSS module; getpwnam(3) lists these.
        const bool is_unknown =
            reason == 0 || reason == ENOENT || reason == ESRCH || reason == EBADF || reason == EPERM;
        if (is_unknown) return std::optional<std::pair<Entry, std::vector<char>>>();
        return make_error(reason, {});
    }
}

template <class Call> looked_up<account> find_account(Call call)
{
    auto found = with_buffer<passwd>(call);
    if (!found) return found.error();
    if (!*found) return std::optional<account>();
    const passwd& entry = (*found)->first;
    const auto text = [](const char* s) { return std::string(s ? s : ""); };
    return std::optional(
        account{text(entry.pw_name), entry.pw_uid, entry.pw_gid, text(entry.pw_dir), text(entry.pw_shell)});
}

looked_up<account> account_of(uid_t uid)
{
    return find_account([&](auto... rest) { return ::getpwuid_r(uid, rest...); });
}

looked_up<account> account_of(const std::string& name)
{
    return find_account([&](auto... rest) { return ::getpwnam_r(name.c_str(), rest...); });
}

looked_up<gid_t> group_of(const std::string& name)
{
    const auto found = with_buffer<group>([&](auto... rest) { return ::getgrnam_r(name.c_str(), rest...); });
    if (!found) return found.error();
    if (!*found) return std::optional<gid_t>();
    return std::optional((*found)->first.gr_gid);
}

// An id as a number. The highest is no id: setresuid(2) takes it for "unchanged"; neither is 65535, which is
// the same in 16 bits (systemd refuses both).
std::optional<std::uint32_t> parse_id(std::string_view text)
{
    std::uint32_t id = 0;
    const auto [end, reason] = std::from_chars(text.data(), text.data() + text.size(), id);
    const bool is_number = reason == std::errc() && end == text.data() + text.size();
    if (!is_number || id == UINT32_MAX || id == UINT16_MAX) return std::nullopt;
    return id;
}

result<account> resolve_user(const std::string& user)
{
    const auto number = parse_id(user);
    auto found = number ? account_of(*number) : account_of(user);
    if (!found) return make_error(found.error().code.value(), "cannot look up user '" + user + "'");
    if (*found) return std::move(**found);
    if (!number) return make_error("unknown user '" + user + "'");
    return account{user, *number, *number, {}, {}}; // a number needs no account; its group is the same number
}

// The groups of the user database that `name` is a member of, `gid` among them.
std::vector<gid_t> groups_of(const std::string& name, gid_t gid)
{
    int count = 64;
    std::vector<gid_t> groups;
    do { // on failure `count` says how many there are
        groups.resize(static_cast<std::size_t>(count));
    } while (::getgrouplist(name.c_str(), gid, groups.data(), &count) < 0 &&
             static_cast<std::size_t>(count) > groups.size());
    groups.resize(static_cast<std::size_t>(std::max(count, 0)));
    return groups;
}

std::vector<gid_t> own_groups()
{
    const int count = ::getgroups(0, nullptr);
    std::vector<gid_t> groups(static_cast<std::size_t>(std::max(count, 0)));
    if (count > 0) groups.resize(static_cast<std::size_t>(std::max(::getgroups(count, groups.data()), 0)));
    return groups;
}

identity identity_of(account a)
{
    identity who;
    who.uid = a.uid;
    who.gid = a.gid;
    who.user = a.name.empty() ? std::to_string(a.uid) : std::move(a.name);
    who.home = a.home.empty() ? "/" : std::move(a.home);
    who.shell = a.shell.empty() ? "/bin/sh" : std::move(a.shell);
    return who;
}

} // namespace

boost::system::result<identity, identity_error>
look_up_identity(std::string_view user, std::string_view group,
                 std::span<const std::string> supplementary_groups)
{
    auto found = user.empty() ? resolve_user(std::to_string(::geteuid())) : resolve_user(std::string(user));
    if (!found) return identity_error{false, found.error().message()};

    identity who = identity_of(std::move(*found));
    who.changes_user = !user.empty() || !group.empty() || !supplementary_groups.empty();
    if (user.empty()) who.gid = ::getegid();
    if (!group.empty()) {
        const auto gid = look_up_group(group);
        if (!gid) return identity_error{true, gid.error().message()};
        who.gid = *gid;
    }
    who.groups = user.empty() ? own_groups() : groups_of(who.user, who.gid);
    for (const auto& name : supplementary_groups) {
        const auto gid = look_up_group(name);
        if (!gid) return identity_error{true, gid.error().message()};
        who.groups.push_back(*gid);
    }
    std::ranges::sort(who.groups);
    who.groups.erase(std::unique(who.groups.begin(), who.groups.end()), who.groups.end());
    return who;
}

result<gid_t> look_up_group(std::string_view name)
{
    if (const auto number = parse_id(name)) return static_cast<gid_t>(*number);
    const auto found = group_of(std::string(name));
    if (!found)
        return make_error(found.error().code.value(), "cannot look up group '" + std::string(name) + "'");
    if (!*found) return make_error("unknown group '" + std::string(name) + "'");
    return **found;
}

} // namespace procctl
