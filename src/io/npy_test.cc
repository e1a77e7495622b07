#include "io/npy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/errors.h"
#include "support/temp_dir.h"

namespace expertoire {
namespace {

using test::TempDir;
using ::testing::ElementsAre;

std::string floats(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

// A file as numpy writes it: the header's text padded to `length`.
std::string npy(std::string header, const std::string& data, size_t length = 118) {
  header.resize(length - 1, ' ');
  const std::string size = {static_cast<char>(length & 0xff), static_cast<char>(length >> 8)};
  return std::string("\x93NUMPY\x01\x00", 8) + size + header + "\n" + data;
}

TEST(NpyTest, ReadsWhatWeWrite) {
  const TempDir dir;
  const std::string header = npy_header(2, 3);
  EXPECT_EQ(header.size(), kNpyHeaderBytes);
  const NpyMatrix matrix = read_npy(dir.write("a.npy", header + floats({1, 2, 3, 4, 5, 6})));
  EXPECT_EQ(matrix.rows, 2);
  EXPECT_EQ(matrix.columns, 3);
  EXPECT_THAT(matrix.values, ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST(NpyTest, ReadsVectorsOtherSpacingAndNoRows) {
  const TempDir dir;
  const std::string one = "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }";
  const NpyMatrix row = read_npy(dir.write("a.npy", npy(one, floats({1, 2, 3}))));
  EXPECT_EQ(row.rows, 1);
  EXPECT_EQ(row.columns, 3);
  const std::string terse = "{'shape':(2,1),'fortran_order':False,'descr':'<f4'}";
  EXPECT_EQ(read_npy(dir.write("b.npy", npy(terse, floats({1, 2}), 502))).rows, 2);
  const NpyMatrix none = read_npy(dir.write("c.npy", npy_header(0, 4)));
  EXPECT_EQ(none.rows, 0);
  EXPECT_EQ(none.columns, 4);
}

}  // namespace
}  // namespace expertoire
