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
    if(sources)
      get_filename_component(name "${folder}" NAME)
      add_executable(${name}_test ${sources})
      target_link_libraries(${name}_test
        PRIVATE expertoire_options expertoire_test_support GTest::gtest_main
                $<$<STREQUAL:${name},train>:expertoire_train_data>)
      gtest_discover_tests(${name}_test TEST_PREFIX "${name}." PROPERTIES LABELS unit
                           DISCOVERY_TIMEOUT 60)
    endif()
  endforeach()
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
