#ifndef NNET_WINDOW_POOLING_STREAM_H_
#define NNET_WINDOW_POOLING_STREAM_H_

// Pooling with windows that may overlap, be padded, or leave rows and columns over.
//
// A ring of as many rows as the window has is filled row by row; then one output
// pixel a pipeline turn is computed from it.

#include "hls_stream.h"
#include "nnet_common.h"
#include "nnet_pooling.h"
#include "nnet_pooling_stream.h"
#include "nnet_row_ring_stream.h"

namespace nnet {

template <int LAST> int clamped(int place) {
    #pragma HLS INLINE
    return place < 0 ? 0 : (place > LAST ? LAST : place);
}

template <class data_T, class res_T, typename CONFIG_T>
void window_pooling(hls::stream<data_T> &image, hls::stream<res_T> &pooled) {
    constexpr int height = CONFIG_T::in_height, width = CONFIG_T::in_width;
    constexpr int rows = CONFIG_T::pool_height, columns = CONFIG_T::pool_width;

    data_T ring[rows][width];
    #pragma HLS ARRAY_PARTITION variable=ring complete dim=1
    int received = 0;

OutputRow:
    for (int oy = 0; oy < (int)CONFIG_T::out_height; oy++) {
        const int top = oy * (int)CONFIG_T::stride_height - (int)CONFIG_T::pad_top;
        receive_rows<height>(image, ring, received, top + rows);
    OutputColumn:
        for (int ox = 0; ox < (int)CONFIG_T::out_width; ox++) {
            #pragma HLS PIPELINE
            const int left = ox * (int)CONFIG_T::stride_width - (int)CONFIG_T::pad_left;
            res_T pixel;
            PRAGMA_DATA_PACK(pixel)
        Channel:
            for (unsigned c = 0; c < CONFIG_T::n_filt; c++) {
                typename CONFIG_T::accum_t window[rows * columns];
                #pragma HLS ARRAY_PARTITION variable=window complete
                for (int i = 0; i < rows; i++) {
                    for (int j = 0; j < columns; j++) {
                        // The nearest pixel of the image lies in the window too, so a maximum may count it twice.
                        const int y = clamped<height - 1>(top + i), x = clamped<width - 1>(left + j);
                        const bool inside = y == top + i && x == left + j;
                        if (inside || CONFIG_T::pool_op == Max)
                            window[i * columns + j] = ring[y % rows][x][c];
                        else
                            window[i * columns + j] = 0;
                    }
                }
                pixel[c] = reduce_pool<typename CONFIG_T::accum_t, rows * columns, CONFIG_T>(window);
            }
            pooled.write(pixel);
        }
    }
    drop_rows<height, width>(image, received);
}

} // namespace nnet

#endif
