# Unit tests stand beside their sources: src/<folder>/x_test.cc. One program per folder, found by
# globbing, so that a test cannot be forgotten in a list. What they share is tests/support.
include(GoogleTest)

function(expertoire_tests)
  find_package(GTest REQUIRED)
  file(GLOB support CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/tests/support/*.cc")
  add_library(expertoire_test_support STATIC ${support})
  target_include_directories(expertoire_test_support PUBLIC "${CMAKE_SOURCE_DIR}/tests")
  target_compile_definitions(expertoire_test_support PUBLIC
    EXPERTOIRE_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
    $<$<BOOL:${EXPERTOIRE_SANITIZE}>:EXPERTOIRE_SANITIZED>) # several times slower: fewer rounds
  # gtest's name generators shadow; designated initialisers say what matters and leave out the rest.
  # -O1: compiled often and run little; and gcc 12 at -O3 warns of what std::string never does.
  target_compile_options(expertoire_test_support PUBLIC
    -Wno-shadow -Wno-missing-field-initializers $<$<NOT:$<CONFIG:Debug>>:-O1>)
  target_link_libraries(expertoire_test_support
    PUBLIC expertoire_cli expertoire GTest::gmock GTest::gtest
    PRIVATE expertoire_options)

  file(GLOB folders LIST_DIRECTORIES true CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/src/*")
  foreach(folder ${folders})
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${folder}/*_test.cc")
    list(FILTER sources EXCLUDE REGEX "/train/torch/")
    get_filename_component(name "${folder}" NAME)
    expertoire_test_program(${name} "${sources}")
  endforeach()
  target_link_libraries(train_test PRIVATE expertoire_train)
  if(EXPERTOIRE_TRAIN)
    file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/src/train/torch/*_test.cc")
    expertoire_test_program(train_torch "${sources}")
    target_link_libraries(train_torch_test PRIVATE expertoire_train_torch)
  endif()
endfunction()

# The program NAME_test of these sources, if there are any.
function(expertoire_test_program name sources)
  if(sources)
    add_executable(${name}_test ${sources})
    target_link_libraries(${name}_test
      PRIVATE expertoire_options expertoire_test_support GTest::gtest_main)
    gtest_discover_tests(${name}_test TEST_PREFIX "${name}." PROPERTIES LABELS unit
                         DISCOVERY_TIMEOUT 60)
  endif()
endfunction()

# Disassembles the panel products and fails on register spills and lost prefetches. Only where they are compiled as
# they run: optimised, and without a sanitizer.
function(expertoire_hot_loops_test)
  if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT EXPERTOIRE_SANITIZE
     AND CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    add_test(NAME simd.hot_loops COMMAND_EXPAND_LISTS
      COMMAND python3 "${CMAKE_SOURCE_DIR}/scripts/checks/hot_loops.py"
              "$<FILTER:$<TARGET_OBJECTS:expertoire>,INCLUDE,/simd/avx>")
  endif()
endfunction()
