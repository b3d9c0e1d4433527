#include "ctl/run.h"

int main(int argc, char** argv) { return procctl::ctl::run({argv + (argc > 0 ? 1 : 0), argv + argc}); }
