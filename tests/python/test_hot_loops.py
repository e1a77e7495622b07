"""scripts/checks/hot_loops.py sees a tile that is too large and a lost prefetch, and lets one pass that fits."""

import importlib.util
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts/checks/hot_loops.py"
# A panel product in small: 2 · ROWS accumulators of the 16 registers that AVX2 has.
TILE = """
#include <immintrin.h>
#include <utility>
namespace {
template <int N, class Body> [[gnu::always_inline]] inline void unroll(Body&& body) {
  [&]<int... I>(std::integer_sequence<int, I...>) __attribute__((always_inline)) {
    (body(std::integral_constant<int, I>{}), ...);
  }(std::make_integer_sequence<int, N>{});
}
template <int R> void tile(const float* const* a, const float* panel, long k, float* c) {
  __m256 sum[R][2];
  unroll<R>([&](auto r) { sum[r][0] = sum[r][1] = _mm256_setzero_ps(); });
  for (long i = 0; i < k; ++i, panel += 64) {
    const __m256 left = _mm256_load_ps(panel);
    const __m256 right = _mm256_load_ps(panel + 8);
    unroll<R>([&](auto r) {
      const __m256 x = _mm256_broadcast_ss(a[r] + i);
      sum[r][0] = _mm256_fmadd_ps(x, left, sum[r][0]);
      sum[r][1] = _mm256_fmadd_ps(x, right, sum[r][1]);
    });
  }
  unroll<R>([&](auto r) {
    _mm256_storeu_ps(c + 64 * r, sum[r][0]);
    _mm256_storeu_ps(c + 64 * r + 8, sum[r][1]);
  });
}
}
void (*product)(const float* const*, const float*, long, float*) = tile<ROWS>;
"""
COMPILERS = [name for name in ("g++", "clang++-14") if shutil.which(name)]

spec = importlib.util.spec_from_file_location("hot_loops", SCRIPT)
hot_loops = importlib.util.module_from_spec(spec)
spec.loader.exec_module(hot_loops)


def check(compiler, folder, rows, source=TILE):
    (folder / "t.cc").write_text(source)
    subprocess.run([compiler, "-std=c++20", "-O3", "-mavx2", "-mfma", f"-DROWS={rows}", "-c", "t.cc",
                    "-o", "t.o"], cwd=folder, check=True)
    return subprocess.run(["python3", SCRIPT, folder / "t.o"], capture_output=True, text=True)


@pytest.mark.parametrize("compiler", COMPILERS)
def test_tile_that_fits_passes(compiler, tmp_path):
    result = check(compiler, tmp_path, 6)
    assert (result.returncode, result.stdout) == (0, "")


@pytest.mark.parametrize("compiler", COMPILERS)
def test_tile_that_is_too_large_is_named_with_its_instructions(compiler, tmp_path):
    result = check(compiler, tmp_path, 9)
    assert result.returncode == 1
    assert "tile<9>" in result.stdout
    assert "(%rsp" in result.stdout or "(%rbp" in result.stdout


@pytest.mark.parametrize("compiler", COMPILERS)
def test_object_without_a_hot_loop_is_no_proof(compiler, tmp_path):
    result = check(compiler, tmp_path, 1, "int panel(int x) { return x + 1; }")
    assert result.returncode == 1
    assert "no hot loop" in result.stdout


def test_lost_prefetches_are_counted():
    loop = body("10 vdpbf16ps %zmm0,%zmm1,%zmm2\n14 prefetcht1 (%rax)\n18 jne 10 <tile>")
    assert list(hot_loops.faults("tile<3, 0>(int)", loop, loop)) == []
    assert list(hot_loops.faults("tile<3, 1>(int)", loop, loop)) == []
    assert list(hot_loops.faults("tile<3, 2>(int)", loop, loop)) == [
        "1 prefetches in a step, 2 written"]


def test_there_is_a_compiler():
    assert COMPILERS


def body(text):
    return [(int(address, 16), mnemonic, operands) for address, mnemonic, operands in
            (line.split(None, 2) for line in text.strip().splitlines())]


def test_only_innermost_loops_count():
    nested = body("""
        10 vmovups 0x40(%rsp),%ymm3
        14 vfmadd231ps %ymm0,%ymm1,%ymm2
        18 jne 14 <tile+0x4>
        1c jne 10 <tile>
    """)
    assert hot_loops.innermost_loops(nested) == [(0x14, 0x18)]
    assert len(list(hot_loops.hot_loops(nested))) == 1


def test_rbp_is_the_stack_only_where_it_is_the_frame_pointer():
    load = "vmovups 0x40(%rbp),%ymm3"
    assert not hot_loops.touches_stack(body("10 " + load), load)
    assert hot_loops.touches_stack(body("c mov %rsp,%rbp\n10 " + load), load)


def test_scalar_products_are_not_hot():
    scalar = body("10 vfmadd231ss %xmm0,%xmm1,%xmm2\n14 jne 10 <tile>")
    assert list(hot_loops.hot_loops(scalar)) == []
