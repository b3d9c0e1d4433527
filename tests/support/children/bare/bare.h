// System calls and a start without a C library, whose start-up would be most of what such a program does.
#pragma once

#include <sys/syscall.h>

#if defined(__x86_64__)
inline long call(long number, long a = 0, long b = 0, long c = 0)
{
    long answer = number;
    asm volatile("syscall" : "+a"(answer) : "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return answer;
}
// What the kernel left on the stack: argc, then argv.
#define BARE_START                                                                                           \
    asm(".globl _start\n_start:\n\txorl %ebp, %ebp\n\tmovq %rsp, %rdi\n\tandq $-16, %rsp\n\tcall "           \
        "bare_main\n");
#elif defined(__aarch64__)
inline long call(long number, long a = 0, long b = 0, long c = 0)
{
    register long x8 asm("x8") = number;
    register long x0 asm("x0") = a;
    register long x1 asm("x1") = b;
    register long x2 asm("x2") = c;
    asm volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
    return x0;
}
#define BARE_START asm(".globl _start\n_start:\n\tmov x29, #0\n\tmov x0, sp\n\tbl bare_main\n");
#endif

BARE_START
extern "C" [[noreturn]] void bare_main(long* stack);
