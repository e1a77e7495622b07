#include "io/atomic_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "support/errors.h"
#include "support/temp_dir.h"

namespace expertoire {
namespace {

using test::error_of;
using test::read_bytes;
using test::TempDir;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(AtomicFileTest, ReplacesTheFileOnCommitOnly) {
  const TempDir dir;
  const std::string path = dir.write("x", "old");
  {
    AtomicFile file(path);
    file.write("new ");
    file.write(std::string(1 << 20, 'n'));
    file.write("!");
    EXPECT_EQ(read_bytes(path), "old");
    file.commit();
  }
  EXPECT_EQ(read_bytes(path), "new " + std::string(1 << 20, 'n') + "!");
  EXPECT_THAT(dir.names(), ElementsAre("x"));
}

TEST(AtomicFileTest, LeavesNothingWhenNotCommitted) {
  const TempDir dir;
  {
    AtomicFile file(dir.file("x"));
    file.write("half");
    EXPECT_EQ(dir.names().size(), 1u);
  }
  EXPECT_THAT(dir.names(), ElementsAre());
}

TEST(AtomicFileTest, TwoWritersOfOneNameDoNotMix) {
  const TempDir dir;
  AtomicFile first(dir.file("x"));
  AtomicFile second(dir.file("x"));
  first.write("first");
  second.write("second");
  first.commit();
  second.commit();
  EXPECT_EQ(read_bytes(dir.file("x")), "second");
  EXPECT_THAT(dir.names(), ElementsAre("x"));
}

TEST(AtomicFileTest, WhatKilledWritersLeftIsRemoved) {
  const TempDir dir;
  dir.write("x.tmp-1", "half");
  dir.write("x.tmp-22-1", "half");
  dir.write("x", "whole");
  dir.write("xy.tmp-1", "another's");
  remove_abandoned(dir.file("x"));
  EXPECT_THAT(dir.names(), ElementsAre("x", "xy.tmp-1"));
  EXPECT_NO_THROW(remove_abandoned(dir.file("no/such/x")));
}

TEST(AtomicFileTest, FollowsALinkToTheFileItself) {
  const TempDir dir;
  dir.write("target", "old");
  std::filesystem::create_symlink("target", dir.file("link"));
  AtomicFile file(dir.file("link"));
  file.write("new");
  file.commit();
  EXPECT_TRUE(std::filesystem::is_symlink(dir.file("link")));
  EXPECT_EQ(read_bytes(dir.file("target")), "new");
}

TEST(AtomicFileTest, NeverReplacesADeviceOrAFolder) {
  const TempDir dir;
  for (const std::string& path : {std::string("/dev/null"), dir.path()}) {
    const auto error = error_of([&] { AtomicFile file(path); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(error->what(), HasSubstr("not a regular file"));
  }
}

TEST(AtomicFileTest, AMissingFolderIsNotFound) {
  const TempDir dir;
  const auto error = error_of([&] { AtomicFile file(dir.file("no/x")); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::kNotFound);
}

// A file size limit stands in for a full disk: write() fails after the first bytes went through.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : old_handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &old_);
    const rlimit limit = {bytes, old_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &old_);
    std::signal(SIGXFSZ, old_handler_);
  }

 private:
  rlimit old_ = {};
  void (*old_handler_)(int);
};

TEST(AtomicFileTest, AWriteThatFailsIsAnErrorAndLeavesTheOldFile) {
  const TempDir dir;
  const std::string path = dir.write("x", "old");
  std::optional<Error> error;
  {
    const FileSizeLimit limit(1000);
    error = error_of([&] {
      AtomicFile file(path);
      file.write(std::string(5000, 'x'));
      file.commit();
    });
  }
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::kIo);
  EXPECT_THAT(error->what(), HasSubstr("writing " + path));
  EXPECT_EQ(read_bytes(path), "old");
  EXPECT_THAT(dir.names(), ElementsAre("x"));
}

TEST(FileDescriptorTest, AFullDiskAndAClosedPipeAreSaidInWords) {
  const FileDescriptor full(::open("/dev/full", O_WRONLY));
  if (full) {
    const auto error = error_of([&] { write_all(full.get(), "x", "out.npy"); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code(), ErrorCode::kIo);
    EXPECT_THAT(error->what(), HasSubstr("writing out.npy: No space left on device; free space"));
  }
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  { const FileDescriptor reader(ends[0]); }
  const FileDescriptor writer(ends[1]);
  const auto old_handler = std::signal(SIGPIPE, SIG_IGN);
  const auto error = error_of([&] { write_all(writer.get(), "x", "-"); });
  std::signal(SIGPIPE, old_handler);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::kIo);
  EXPECT_THAT(error->what(), HasSubstr("ended before its end"));
}

}  // namespace
}  // namespace expertoire
