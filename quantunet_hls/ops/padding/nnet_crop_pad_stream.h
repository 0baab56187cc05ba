#ifndef NNET_CROP_PAD_STREAM_H_
#define NNET_CROP_PAD_STREAM_H_

// Zeros around an image, or less of it, a pixel a clock cycle. A side of more than none is added, one of less is cut off.

#include "hls_stream.h"
#include "nnet_common.h"

namespace nnet {

template <class data_T, class res_T, typename CONFIG_T>
void crop_pad(hls::stream<data_T> &image, hls::stream<res_T> &framed) {
    constexpr int above = CONFIG_T::pad_top, left = CONFIG_T::pad_left, front = CONFIG_T::pad_front;
    // The walk has all places that the image before or the image behind has.
    constexpr int first_row = above > 0 ? above : 0, first_column = left > 0 ? left : 0;
    constexpr int rows = first_row + CONFIG_T::in_height + (CONFIG_T::pad_bottom > 0 ? CONFIG_T::pad_bottom : 0);
    constexpr int columns = first_column + CONFIG_T::in_width + (CONFIG_T::pad_right > 0 ? CONFIG_T::pad_right : 0);
    constexpr int top = first_row - above, start = first_column - left;

Row:
    for (int y = 0; y < rows; y++) {
    Column:
        for (int x = 0; x < columns; x++) {
            #pragma HLS PIPELINE II=1
            const bool reads = y >= first_row && y < first_row + CONFIG_T::in_height && x >= first_column &&
                               x < first_column + CONFIG_T::in_width;
            const bool writes = y >= top && y < top + CONFIG_T::out_height && x >= start &&
                                x < start + CONFIG_T::out_width;
            data_T pixel;
            if (reads)
                pixel = image.read();
            res_T out;
            PRAGMA_DATA_PACK(out)
        Channel:
            for (int c = 0; c < CONFIG_T::out_chan; c++) {
                #pragma HLS UNROLL
                const int from = c - front;
                if (reads && from >= 0 && from < CONFIG_T::n_chan)
                    out[c] = pixel[from];
                else
                    out[c] = 0;
            }
            if (writes)
                framed.write(out);
        }
    }
}

} // namespace nnet

#endif
