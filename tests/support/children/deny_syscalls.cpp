// deny_syscalls NAME… -- PROGRAM [ARGUMENT…]: runs a program for which these system calls do not exist
// (ENOSYS), as on an older kernel or behind a container's filter.
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <vector>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

long number_of(const char* name)
{
    if (std::strcmp(name, "clone3") == 0) return SYS_clone3;
    if (std::strcmp(name, "close_range") == 0) return SYS_close_range;
    return -1;
}

} // namespace

int main(int argc, char** argv)
{
    std::vector<sock_filter> filter = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
    int next = 1;
    for (; next < argc && std::strcmp(argv[next], "--") != 0; ++next) {
        const long number = number_of(argv[next]);
        if (number < 0) return 2;
        filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<__u32>(number), 0, 1));
        filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS));
    }
    filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
    if (geteuid() != 0) prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); // without it only root may set a filter
    if (next + 1 >= argc || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        std::perror("deny_syscalls");
        return 2;
    }
    execv(argv[next + 1], argv + next + 1);
    std::perror(argv[next + 1]);
    return 2;
}
