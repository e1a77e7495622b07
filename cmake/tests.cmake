# Unit tests stand beside their sources: src/<folder>/x_test.cc. One program per folder, found by
# globbing, so that a test cannot be forgotten in a list.
include(GoogleTest)

function(expertoire_tests)
  find_package(GTest REQUIRED)
  file(GLOB folders LIST_DIRECTORIES true CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/src/*")
  foreach(folder ${folders})
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${folder}/*_test.cc")
    if(sources)
      get_filename_component(name "${folder}" NAME)
      add_executable(${name}_test ${sources})
      target_link_libraries(${name}_test PRIVATE expertoire_cli expertoire GTest::gmock GTest::gtest_main)
      target_include_directories(${name}_test PRIVATE "${CMAKE_SOURCE_DIR}/tests")
      target_compile_definitions(${name}_test PRIVATE
        EXPERTOIRE_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
      gtest_discover_tests(${name}_test TEST_PREFIX "${name}." PROPERTIES LABELS unit
                           DISCOVERY_TIMEOUT 60)
    endif()
  endforeach()
endfunction()
