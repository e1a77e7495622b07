// Two runs with one output, and the end of one. (What a killed run leaves is tested from outside,
// in tests/python/test_resume.py.)
#include "io/vector_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "io/json.h"
#include "io/npy.h"
#include "support/errors.h"
#include "support/temp_dir.h"

namespace expertoire {
namespace {

namespace fs = std::filesystem;

TEST(VectorWriterTest, ASecondRunIsRefusedAndTheFirstOneFinishes) {
  const test::TempDir folder;
  const VectorFile file{folder.file("v.f32"), 2, "options", false};
  const std::vector<float> row = {1.0F, 2.0F};
  const auto first = VectorWriter::open(file);
  first->append(row);
  first->checkpoint("one");
  for (const bool resume : {false, true}) {
    VectorFile again = file;
    again.resume = resume;
    const auto error = test::error_of([&] { VectorWriter::open(again); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code(), ErrorCode::kIo);
    EXPECT_THAT(error->what(), testing::HasSubstr("another run writes it"));
  }
  first->append(row);
  first->finish();
  EXPECT_EQ(read_text_file(file.path).size(), 4 * sizeof(float));
  EXPECT_FALSE(std::filesystem::exists(file.path + ".partial"));
}

TEST(VectorWriterTest, AnUnfinishedRunIsContinuedFromItsCheckpointOnly) {
  const test::TempDir folder;
  VectorFile file{folder.file("v.f32"), 1, "options", false};
  const auto write = [&](float value) {
    const auto writer = VectorWriter::open(file);
    writer->append({&value, 1});
    writer->checkpoint("mark");
    writer->append({&value, 1});
  };
  write(1.0F);
  file.resume = true;
  {
    const auto writer = VectorWriter::open(file);
    EXPECT_EQ(writer->rows(), 1);
    EXPECT_EQ(writer->mark(), "mark");
  }
  file.resume = false;
  write(2.0F);  // over what the first left
  file.resume = true;
  const auto writer = VectorWriter::open(file);
  writer->finish();
  const std::string bytes = read_text_file(file.path);
  const float two = 2.0F;
  EXPECT_EQ(bytes, std::string(reinterpret_cast<const char*>(&two), sizeof two));
}

// What is said of the vectors is published in between.
TEST(VectorWriterTest, BeforeTheRenameTheFileIsWholeAndTheOldOneStands) {
  const test::TempDir dir;
  const std::string path = dir.file("v.npy");
  const float row[] = {1, 2, 3};
  for (int rows = 1; rows <= 2; ++rows) {
    const auto writer = VectorWriter::open({path, 3, "", false});
    for (int i = 0; i < rows; ++i) writer->append(row);
    writer->finish([&] {
      EXPECT_EQ(read_npy(path + ".partial").rows, rows);
      EXPECT_EQ(fs::exists(path) ? read_npy(path).rows : 0, rows - 1);
    });
    EXPECT_EQ(read_npy(path).rows, rows);
  }
}

TEST(VectorWriterTest, AFailureBeforeTheRenameLeavesTheOldFile) {
  const test::TempDir dir;
  const std::string path = dir.file("v.f32");
  dir.write("v.f32", "old");
  {
    const auto writer = VectorWriter::open({path, 1, "", false});
    writer->append(std::vector<float>{1});
    EXPECT_THROW(writer->finish([] { throw Error(ErrorCode::kIo, {"a", "b", "c", ""}); }), Error);
  }
  EXPECT_EQ(fs::file_size(path), 3U);
  EXPECT_FALSE(fs::exists(path + ".partial"));
}

}  // namespace
}  // namespace expertoire
