#ifndef NNET_WINDOW_CONVOLUTION_STREAM_H_
#define NNET_WINDOW_CONVOLUTION_STREAM_H_

// Convolutions of any window (stride, padding, dilation) and any groups of channels, without a product by a hole of a
// dilated kernel or by another group's channels.
//
// A ring of as many rows as a window spans is filled row by row; then one output pixel a pipeline turn is computed from
// it, group by group.

#include "hls_stream.h"
#include "nnet_common.h"
#include "nnet_dense.h"
#include "nnet_row_ring_stream.h"

namespace nnet {

template <class data_T, class res_T, typename CONFIG_T>
void window_convolution(hls::stream<data_T> &image, hls::stream<res_T> &sums,
                        typename CONFIG_T::weight_t weights[CONFIG_T::n_weights],
                        typename CONFIG_T::bias_t biases[CONFIG_T::n_filt]) {
    typedef typename CONFIG_T::mult_config mult_config;
    typedef typename data_T::value_type value_t;
    typedef typename res_T::value_type sum_t;
    constexpr int height = CONFIG_T::in_height, width = CONFIG_T::in_width;
    constexpr int span = (CONFIG_T::filt_height - 1) * CONFIG_T::dilation_height + 1;
    constexpr int channels = CONFIG_T::n_chan / CONFIG_T::groups, filters = CONFIG_T::n_filt / CONFIG_T::groups;

    data_T ring[span][width];
    #pragma HLS ARRAY_PARTITION variable=ring complete dim=1
    int received = 0;

OutputRow:
    for (int oy = 0; oy < (int)CONFIG_T::out_height; oy++) {
        const int top = oy * (int)CONFIG_T::stride_height - (int)CONFIG_T::pad_top;
        receive_rows<height>(image, ring, received, top + span);
    OutputColumn:
        for (int ox = 0; ox < (int)CONFIG_T::out_width; ox++) {
            const int left = ox * (int)CONFIG_T::stride_width - (int)CONFIG_T::pad_left;
            res_T pixel;
            PRAGMA_DATA_PACK(pixel)
        Group:
            for (int g = 0; g < (int)CONFIG_T::groups; g++) {
                #pragma HLS UNROLL factor=CONFIG_T::groups_at_once
                value_t window[mult_config::n_in];
                #pragma HLS ARRAY_PARTITION variable=window complete
                sum_t result[filters];
                #pragma HLS ARRAY_PARTITION variable=result complete
            Tap:
                for (int i = 0; i < (int)CONFIG_T::filt_height; i++) {
                    for (int j = 0; j < (int)CONFIG_T::filt_width; j++) {
                        const int y = top + i * (int)CONFIG_T::dilation_height;
                        const int x = left + j * (int)CONFIG_T::dilation_width;
                        const bool inside = y >= 0 && y < height && x >= 0 && x < width;
                        for (int c = 0; c < channels; c++) {
                            #pragma HLS UNROLL
                            const int place = (i * (int)CONFIG_T::filt_width + j) * channels + c;
                            if (inside)
                                window[place] = ring[y % span][x][g * channels + c];
                            else
                                window[place] = 0;
                        }
                    }
                }
                mult_config::template kernel<value_t, sum_t, mult_config>::dense(
                    window, result, weights + g * (int)(mult_config::n_in * filters), biases + g * filters);
                for (int f = 0; f < filters; f++) {
                    #pragma HLS UNROLL
                    pixel[g * filters + f] = result[f];
                }
            }
            sums.write(pixel);
        }
    }
    drop_rows<height, width>(image, received);
}

} // namespace nnet

#endif
