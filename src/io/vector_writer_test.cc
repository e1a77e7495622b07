// Two runs with one output: the second is refused before it touches anything. (What a killed run
// leaves is tested from outside, in tests/python/test_resume.py.)
#include "io/vector_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "io/json.h"
#include "support/errors.h"
#include "support/temp_dir.h"

namespace expertoire {
namespace {

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

}  // namespace
}  // namespace expertoire
