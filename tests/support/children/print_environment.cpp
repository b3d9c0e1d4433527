// print_environment [ARGUMENT…]: its arguments, then its environment, each ended by a NUL as in
// /proc/PID/environ.
#include <cstdio>
#include <cstring>
#include <initializer_list>

#include <unistd.h>

int main(int, char** argv)
{
    for (char** list : {argv, environ})
        for (; *list; ++list)
            std::fwrite(*list, 1, std::strlen(*list) + 1, stdout);
}
