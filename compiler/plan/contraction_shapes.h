// The tiles of products that are tried: their sizes, and who shares them.
#ifndef INGOT_COMPILER_PLAN_CONTRACTION_SHAPES_H_
#define INGOT_COMPILER_PLAN_CONTRACTION_SHAPES_H_

#include "absl/types/span.h"
#include "compiler/plan/plan.h"

namespace ingot::plan {

// Of warps: threads that multiply by mma.sync or by themselves.
struct TileShape {
  int rows, columns, row_warps, column_warps;
};
// A warp has at least 16 × 16.
inline constexpr TileShape kTileShapes[] = {
    {128, 256, 2, 4}, {128, 128, 2, 2}, {128, 64, 2, 2}, {64, 128, 2, 2}, {64, 64, 2, 2},
    {32, 128, 1, 4},  {128, 32, 4, 1},  {16, 128, 1, 4}, {16, 256, 1, 4}, {128, 16, 4, 1},
    {32, 64, 1, 4},   {64, 32, 2, 2},   {32, 32, 2, 2},  {16, 32, 1, 2},  {16, 16, 1, 1},
};

// Of multiply-adds of threads: a warp has at least 4 × 8 vectors of four elements.
inline constexpr TileShape kFmaShapes[] = {
    {128, 128, 4, 2}, {64, 128, 2, 2}, {128, 64, 4, 1}, {64, 64, 2, 2},
    {128, 32, 4, 1},  {16, 128, 1, 4}, {64, 32, 2, 1},  {32, 64, 1, 2},
    {16, 64, 1, 2},   {32, 32, 1, 1},  {16, 32, 1, 1},
};

// Of matrix units of f64.
inline constexpr int kDoublesCapability = 90;
inline constexpr TileShape kDoubleShapes[] = {
    {128, 64, 4, 2}, {64, 128, 2, 4}, {64, 64, 2, 2}, {128, 32, 4, 1},
    {32, 128, 1, 4}, {64, 32, 2, 1},  {32, 64, 1, 2}, {16, 128, 1, 4},
    {32, 32, 2, 2},  {16, 64, 1, 4},  {16, 32, 1, 2}, {16, 16, 1, 1},
};

// Of a tile along depth, the first of which two stages fit: a matrix unit's step is 32 bytes, of
// f64 128, which are what all banks hold; threads that multiply want blocks beside each other more
// than tiles ahead.
inline constexpr int kDepthBytes[] = {128, 64, 32};
inline constexpr int kDoubleDepthBytes[] = {128};
inline constexpr int kFmaDepthBytes[] = {64, 32, 128};

// Of wgmma: warpgroups that multiply, 64 rows of each at a time, and their columns.
inline constexpr int kWgmmaCapability = 90;
inline constexpr int kUnitRows = 64;
inline constexpr int kMostColumns = 256;
inline constexpr int kMostPipelineStages = 12;
inline constexpr int kLeastPipelineStages = 3;
// Sums of a thread, and registers of threads that multiply and of those that do not.
inline constexpr int kMostThreadSums = 128;
inline constexpr int kProducerRegisters = 40;
// The larger ones are of those that copy element by element, for one and for two warpgroups that
// multiply, where these have enough besides.
inline constexpr int kCopyingRegisters = 104, kElementRegisters[] = {120, 152};
// Besides its sums, of a thread that multiplies; of one product, as the assembler asks.
inline constexpr int kLeastFreeRegisters = 64, kUnitRegisters = 26;

// Rows of a tile, warpgroups that multiply, blocks of a multiprocessor.
struct PipelineShape {
  int rows, consumers, resident_blocks;
};
inline constexpr PipelineShape kPipelineShapes[] = {{128, 2, 1}, {256, 2, 1}, {128, 1, 1},
                                                    {128, 1, 2}, {64, 1, 1},  {64, 1, 2}};
// Blocks of a cluster: one below the other, and side by side.
struct ClusterShape {
  int rows, across;
};
inline constexpr ClusterShape kClusterShapes[] = {{1, 1}, {2, 1}, {1, 2}, {2, 2}, {4, 1}, {1, 4}};

inline absl::Span<const TileShape> ShapesOf(ProductUnit unit) {
  if (unit == ProductUnit::kFma) return kFmaShapes;
  if (unit == ProductUnit::kF64) return kDoubleShapes;
  return kTileShapes;
}
inline absl::Span<const int> DepthBytesOf(ProductUnit unit) {
  if (unit == ProductUnit::kFma) return kFmaDepthBytes;
  if (unit == ProductUnit::kF64) return kDoubleDepthBytes;
  return kDepthBytes;
}

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_CONTRACTION_SHAPES_H_
