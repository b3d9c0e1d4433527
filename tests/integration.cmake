# Integration tests: the real daemon with real processes, one ctest test per theme, in Python's own unittest.
#
# Each enters a PID namespace of its own, so they may run beside each other. Those that start many processes
# count as two, so that no deadline is put to the test by the test beside it.
find_program(PYTHON NAMES python3 PATHS /usr/bin NO_DEFAULT_PATH REQUIRED)

function(procctl_integration_test theme processors)
  add_test(NAME "integration: ${theme}" COMMAND ${PYTHON} ${CMAKE_CURRENT_SOURCE_DIR}/integration/test_${theme}.py)
  set_tests_properties("integration: ${theme}" PROPERTIES
    TIMEOUT 180 PROCESSORS ${processors} LABELS integration
    ENVIRONMENT "PROCCTL_BUILD=${PROJECT_BINARY_DIR};PYTHONDONTWRITEBYTECODE=1")
endfunction()

if(TARGET procctld AND TARGET procctl)
  procctl_integration_test(real_programs 1)
  procctl_integration_test(configuration 1)
  procctl_integration_test(stopping 1)
  procctl_integration_test(process 1)
  procctl_integration_test(procctl 1)
  procctl_integration_test(notify 1)
  procctl_integration_test(commands 1)
  procctl_integration_test(forking 1)
  procctl_integration_test(limits 1)
  procctl_integration_test(docs 1)
  procctl_integration_test(control 1)
  procctl_integration_test(journal 1)
  procctl_integration_test(output 2)
  procctl_integration_test(output_stalls 2)
  procctl_integration_test(output_chaos 2)
  # So much of it has to happen; on a busy machine that takes its time.
  set_tests_properties("integration: output_chaos" PROPERTIES TIMEOUT 400)
  procctl_integration_test(logs 2)
  procctl_integration_test(daemon 2)
  procctl_integration_test(processes 2)
  procctl_integration_test(hostile 2)
  procctl_integration_test(oracle_live 2)
endif()

# The tree itself: who includes what, and what a checkout must look like.
add_test(NAME "tree: layering" COMMAND ${PYTHON} ${CMAKE_CURRENT_SOURCE_DIR}/layering.py ${PROJECT_SOURCE_DIR})
set_tests_properties("tree: layering" PROPERTIES ENVIRONMENT "PYTHONDONTWRITEBYTECODE=1" TIMEOUT 60)
