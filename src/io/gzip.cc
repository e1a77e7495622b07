#include "io/gzip.h"

#include <zlib.h>

#include <memory>
#include <new>

namespace expertoire {

std::string gzip(std::string_view content) {
  constexpr int kGzip = 16;  // added to the window's bits: a gzip header, not zlib's
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, MAX_WBITS + kGzip, 8,
                   Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::bad_alloc();
  }
  const std::unique_ptr<z_stream, int (*)(z_stream*)> end(&stream, deflateEnd);
  std::string out;
  std::string piece(size_t{1} << 16, '\0');
  // zlib counts in 32 bits: large content goes in in pieces.
  constexpr size_t kPiece = size_t{1} << 30;
  int state = Z_OK;
  while (state != Z_STREAM_END) {
    if (stream.avail_in == 0) {
      const std::string_view next = content.substr(0, kPiece);
      content.remove_prefix(next.size());
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(next.data()));
      stream.avail_in = static_cast<uInt>(next.size());
    }
    stream.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream.avail_out = static_cast<uInt>(piece.size());
    state = deflate(&stream, content.empty() ? Z_FINISH : Z_NO_FLUSH);
    out.append(piece, 0, piece.size() - stream.avail_out);
  }
  return out;
}

}  // namespace expertoire
